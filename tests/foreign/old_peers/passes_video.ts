/** A client, of this version only, with one video port in and one out, that passes pictures on unchanged. */

import { reactive } from "../../../client/mod.ts";
import { VIDEO } from "./frames.ts";

export default reactive({
  inputs: VIDEO,
  outputs: VIDEO,
  async process({ input, output }) {
    const frame = input.video.get();
    if (!frame) return;
    await output.video.ready;
    if (!output.video.send(frame)) throw new Error("a picture was dropped");
  },
});
