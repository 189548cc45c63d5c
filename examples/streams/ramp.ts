/** A source of 100 pictures: gray that grows to the right, and moves. */
import { manual } from "@streamlib/bridge/client";
import { PICTURES } from "./ports.ts";

export default manual({
  outputs: { video: PICTURES },
  async start({ output: { video }, running }) {
    const writer = video.writable.getWriter();
    await writer.ready; // the port has room
    for (let n = 0; n < 100 && !running.aborted; n++) {
      const frame = video.acquire({ width: 320, height: 180 });
      for (const row of frame.pixel_buffer.rows()) {
        for (let x = 0; x < row.length; x++) row[x] = x + n;
      }
      await writer.write(frame); // sent, and there is room for the next one
    }
    await writer.close();
  },
});
