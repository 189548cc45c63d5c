/** A client that checks each frame, and sends it back inverted. */

import { reactive } from "../../../client/mod.ts";
import {
  checkAudio,
  checkData,
  checkVideo,
  dataOf,
  EXIT,
  numberAt,
  otherThan,
  paint,
  painterOf,
  playerOf,
  PORTS,
  samplesOf,
  say,
} from "./frames.ts";

export default reactive({
  inputs: PORTS,
  outputs: PORTS,
  setup() {
    say("setup");
  },
  async process({ input, output }) {
    {
      using frame = input.video.get();
      if (frame) {
        const number = Number(frame.frame_number);
        const painter = painterOf(frame.pixel_buffer.pixels, number);
        checkVideo(frame, number, painter);
        await output.video.ready;
        using out = output.video.acquire(frame);
        paint(out.pixel_buffer.pixels, number, otherThan(painter));
        if (!output.video.send(out)) throw new Error("a picture was dropped");
      }
    }
    {
      using frame = input.audio.get();
      if (frame) {
        const number = Number(frame.frame_number);
        const player = playerOf(frame.samples);
        checkAudio(frame, number, player);
        await output.audio.ready;
        using out = output.audio.acquire(frame);
        out.samples.set(samplesOf(number, otherThan(player)));
        if (!output.audio.send(out)) throw new Error("audio was dropped");
      }
    }
    using frame = input.data.get();
    if (!frame) return;
    if (frame.schema_name === EXIT) Deno.exit(7);
    const number = numberAt(frame.timestamp_ns);
    checkData(frame, number, "host");
    await output.data.ready;
    using out = output.data.acquire(dataOf(number, "client"));
    if (!output.data.send(out)) throw new Error("data was dropped");
  },
  teardown() {
    say("teardown");
  },
});
