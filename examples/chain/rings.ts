/** Draws rings, which grow from picture to picture, into a picture of its own. */
import { reactive } from "@streamlib/bridge/client";
import { VIDEO } from "./ports.ts";

export default reactive({
  inputs: { video: VIDEO },
  outputs: { video: VIDEO },
  async process({ input, output }) {
    await output.video.ready;
    using frame = input.video.get();
    if (!frame) return;
    using out = output.video.acquire(frame); // other memory, the same size
    const { width, height } = frame;
    const from = [...frame.pixel_buffer.rows()];
    const to = [...out.pixel_buffer.rows()];
    for (let y = 0; y < height; y++) {
      const row = from[y]!, drawn = to[y]!;
      for (let x = 0; x < width; x++) {
        const radius = Math.hypot(x - width / 2, y - height / 2);
        const isRing = (radius - Number(frame.frame_number)) % 80 > 60;
        for (let c = 4 * x; c < 4 * x + 3; c++) {
          drawn[c] = isRing ? 255 - row[c]! : row[c]!;
        }
        drawn[4 * x + 3] = 255;
      }
    }
    output.video.send(out);
  },
});
