/** A client, of this version only, that passes pictures and audio on unchanged, and ends its outputs after as many frames as `?ends=` says. */

import { reactive } from "../../../client/mod.ts";
import { dataOf, numberAt, PORTS } from "./frames.ts";

const last = Number(new URL(import.meta.url).searchParams.get("ends")) - 1;

export default reactive({
  inputs: PORTS,
  outputs: PORTS,
  async process({ input, output }) {
    const picture = input.video.get();
    if (picture) {
      const number = Number(picture.frame_number);
      await output.video.ready;
      if (!output.video.send(picture)) throw new Error("a picture was dropped");
      if (number === last) output.video.end();
    }
    const block = input.audio.get();
    if (block) {
      const number = Number(block.frame_number);
      await output.audio.ready;
      if (!output.audio.send(block)) throw new Error("audio was dropped");
      if (number === last) output.audio.end();
    }
    using frame = input.data.get();
    if (!frame) return;
    const number = numberAt(frame.timestamp_ns);
    await output.data.ready;
    using out = output.data.acquire(dataOf(number, "client"));
    if (!output.data.send(out)) throw new Error("data was dropped");
    if (number === last) output.data.end();
  },
});
