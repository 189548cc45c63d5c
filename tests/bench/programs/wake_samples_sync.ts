/** Measures how long each sample was on its way, with a thread that waits for it, and reports all of a round after its last one. */

import { now, reactive } from "../../../client/mod.ts";
import { REPORTS, SAMPLES } from "../ports.ts";

/** How long it waits before the event loop gets its turn; longer than the pause between two samples. */
const WAIT_MS = 100;
const values: number[] = [];

export default reactive({
  inputs: { samples: SAMPLES },
  outputs: { reports: REPORTS },
  async process({ input, output, signal }) {
    while (!signal.aborted && !input.samples.ended) {
      using frame = input.samples.recvSync(WAIT_MS);
      if (!frame) {
        await new Promise((resolve) => setTimeout(resolve));
        continue;
      }
      values.push(Number(now()) / 1000 - frame.sent_us);
      if (frame.is_last === 0) continue;
      using report = output.reports.acquire({
        values: Float64Array.from(values.splice(0)),
      });
      output.reports.send(report);
    }
  },
});
