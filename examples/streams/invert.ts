/** Inverts each picture. */
import {
  manual,
  type OutgoingFrame,
  type ReceivedFrame,
} from "@streamlib/bridge/client";
import { PICTURES } from "./ports.ts";

type Picture = ReceivedFrame<typeof PICTURES.schema>;
type Drawn = OutgoingFrame<typeof PICTURES.schema>;

export default manual({
  inputs: { video: PICTURES },
  outputs: { video: PICTURES },
  async start({ input, output, running }) {
    // Called when the output has room, so that each acquired frame has some.
    const invert = new TransformStream<Picture, Drawn>({
      transform(frame, controller) {
        using picture = frame;
        const out = output.video.acquire(picture); // with its size, time and number
        const rows = [...out.pixel_buffer.rows()];
        let y = 0;
        for (const row of picture.pixel_buffer.rows()) {
          const to = rows[y++]!;
          for (let x = 0; x < row.length; x++) to[x] = 255 - row[x]!;
        }
        controller.enqueue(out);
      },
    });
    await input.video.readable
      .pipeThrough(invert)
      .pipeTo(output.video.writable, { signal: running });
  },
});
