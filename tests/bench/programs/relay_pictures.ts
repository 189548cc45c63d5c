/** Sends each picture back in memory of its own, without reading its pixels. */

import { reactive } from "../../../client/mod.ts";
import { PICTURES } from "../ports.ts";

export default reactive({
  inputs: { video: PICTURES },
  outputs: { video: PICTURES },
  async process({ input, output, signal }) {
    for (;;) {
      using frame = await input.video.next(signal);
      if (!frame) return;
      await output.video.ready;
      using back = output.video.acquire(frame);
      output.video.send(back);
    }
  },
});
