/** The demo's filter: finds the edges of each picture. */

import { reactive } from "../../../client/mod.ts";
import { EdgeDetector } from "../../../demo/filter/edge_detector.ts";
import { PICTURES } from "../ports.ts";

let detector: EdgeDetector | undefined;

export default reactive({
  inputs: { video: PICTURES },
  outputs: { video: PICTURES },
  async process({ input, output, signal }) {
    for (;;) {
      using frame = await input.video.next(signal);
      if (!frame) return;
      await output.video.ready;
      using back = output.video.acquire(frame);
      const from = frame.pixel_buffer, to = back.pixel_buffer;
      detector ??= new EdgeDetector(frame.width, frame.height);
      detector.detect(
        from.pixels,
        from.bytes_per_row,
        to.pixels,
        to.bytes_per_row,
      );
      output.video.send(back);
    }
  },
});
