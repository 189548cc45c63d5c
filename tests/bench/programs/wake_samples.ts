/** Measures how long each sample was on its way, and reports all of a round after its last one. */

import { now, reactive } from "../../../client/mod.ts";
import { REPORTS, SAMPLES } from "../ports.ts";

const values: number[] = [];

export default reactive({
  inputs: { samples: SAMPLES },
  outputs: { reports: REPORTS },
  async process({ input, output, signal }) {
    for (;;) {
      using frame = await input.samples.next(signal);
      if (!frame) return;
      values.push(Number(now()) / 1000 - frame.sent_us);
      if (frame.is_last === 0) continue;
      using report = output.reports.acquire({
        values: Float64Array.from(values.splice(0)),
      });
      output.reports.send(report);
    }
  },
});
