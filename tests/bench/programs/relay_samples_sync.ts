/** Sends each sample back, as a new frame with the same values. Waits for the next one with its thread. */

import { reactive } from "../../../client/mod.ts";
import { copyOf, SAMPLES } from "../ports.ts";

/** How long it waits before the event loop gets its turn: for the end, for example. */
const WAIT_MS = 100;

export default reactive({
  inputs: { samples: SAMPLES },
  outputs: { samples: SAMPLES },
  async process({ input, output, signal }) {
    while (!signal.aborted && !input.samples.ended) {
      const frame = input.samples.recvSync(WAIT_MS);
      if (frame) {
        output.samples.send(output.samples.acquire(copyOf(frame)));
        frame[Symbol.dispose]();
      } else await new Promise((resolve) => setTimeout(resolve));
    }
  },
});
