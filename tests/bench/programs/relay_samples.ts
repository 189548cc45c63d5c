/** Sends each sample back, as a new frame with the same values. */

import { reactive } from "../../../client/mod.ts";
import { copyOf, SAMPLES } from "../ports.ts";

export default reactive({
  inputs: { samples: SAMPLES },
  outputs: { samples: SAMPLES },
  async process({ input, output, signal }) {
    for (;;) {
      using frame = await input.samples.next(signal);
      if (!frame) return;
      using back = output.samples.acquire(copyOf(frame));
      output.samples.send(back);
    }
  },
});
