/** Sends every frame back at once. Does not read its pixels. */

import { reactive } from "../../client/mod.ts";
import { EVERY_FRAME } from "../fixtures/ports.ts";

export default reactive({
  inputs: { video: EVERY_FRAME },
  outputs: { video: EVERY_FRAME },
  async process({ input, output }) {
    using frame = input.video.get();
    if (!frame) return;
    await output.video.ready;
    using out = output.video.acquire(frame);
    output.video.send(out);
  },
});
