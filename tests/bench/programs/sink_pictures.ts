/** Takes pictures without reading their pixels, and answers the last one of a round. */

import { reactive } from "../../../client/mod.ts";
import { LAST_PICTURE_NS, PICTURES, sampleOf, SAMPLES } from "../ports.ts";

export default reactive({
  inputs: { video: PICTURES },
  outputs: { done: SAMPLES },
  async process({ input, output, signal }) {
    for (;;) {
      using frame = input.video.get() ?? await input.video.next(signal);
      if (!frame) return;
      if (frame.timestamp_ns !== LAST_PICTURE_NS) continue;
      using done = output.done.acquire(sampleOf(Number(frame.frame_number)));
      output.done.send(done);
    }
  },
});
