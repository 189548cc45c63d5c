// deno-lint-ignore-file no-console -- a program prints its result
/** Measures how bright each picture is, and passes the picture on as it is. */
import { reactive } from "@streamlib/bridge/client";
import { VIDEO } from "./ports.ts";

let darkest = 255, brightest = 0;

export default reactive({
  inputs: { video: VIDEO },
  outputs: { video: VIDEO },
  async process({ input, output }) {
    await output.video.ready;
    using frame = input.video.get();
    if (!frame) return;
    let sum = 0, count = 0;
    for (const row of frame.pixel_buffer.rows()) {
      for (let x = 1; x < row.length; x += 16, count++) sum += row[x]!; // green
    }
    darkest = Math.min(darkest, sum / count);
    brightest = Math.max(brightest, sum / count);
    output.video.send(frame); // moved: the next reader sees the same memory
  },
  flush() {
    console.log(`green: ${darkest.toFixed(1)} to ${brightest.toFixed(1)}`);
  },
});
