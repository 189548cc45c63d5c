/** Sends each picture back, and answers a sample with this process's counters: bytes copied into messages, and bytes of the heap after a collection. */

import { reactive } from "../../../client/mod.ts";
import { transferStats } from "../../../ffi/stats.ts";
import { collectGarbage } from "../../helpers/collect_garbage.ts";
import { PICTURES, REPORTS, SAMPLES } from "../ports.ts";

export default reactive({
  inputs: { video: PICTURES, questions: SAMPLES },
  outputs: { video: PICTURES, reports: REPORTS },
  async process({ input, output }) {
    while (input.video.size > 0) {
      using frame = input.video.get()!;
      await output.video.ready;
      using back = output.video.acquire(frame);
      output.video.send(back);
    }
    using question = input.questions.get();
    if (!question) return;
    collectGarbage();
    using report = output.reports.acquire({
      values: Float64Array.of(
        transferStats().copied_bytes,
        Deno.memoryUsage().heapUsed,
      ),
    });
    output.reports.send(report);
  },
});
