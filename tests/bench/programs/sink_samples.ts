/** Takes samples, reads every field, disposes them by hand, and answers the last one of a round. */

import { reactive } from "../../../client/mod.ts";
import { copyOf, SAMPLES } from "../ports.ts";

export default reactive({
  inputs: { samples: SAMPLES },
  outputs: { samples: SAMPLES },
  async process({ input, output, signal }) {
    for (;;) {
      const frame = input.samples.get() ?? await input.samples.next(signal);
      if (!frame) return;
      const values = copyOf(frame);
      frame[Symbol.dispose]();
      if (values.is_last === 0) continue;
      using back = output.samples.acquire(values);
      output.samples.send(back);
    }
  },
});
