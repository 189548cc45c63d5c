/** Takes one color out of each picture: the one that its variable COLOR names. */
import { reactive } from "@streamlib/bridge/client";
import { COLOR, PLANE } from "./ports.ts";

const offset = ["red", "green", "blue"].indexOf(Deno.env.get("COLOR")!);

export default reactive({
  inputs: { color: COLOR },
  outputs: { plane: PLANE },
  async process({ input, output }) {
    await output.plane.ready;
    using frame = input.color.get();
    if (!frame) return;
    const { width, height, timestamp_ns, frame_number } = frame;
    using out = output.plane.acquire({
      ...{ width, height, timestamp_ns, frame_number },
      pixel_format: "gray8",
    });
    const rows = [...out.pixel_buffer.rows()];
    let y = 0;
    for (const row of frame.pixel_buffer.rows()) {
      const to = rows[y++]!;
      for (let x = 0; x < width; x++) to[x] = row[4 * x + offset]!;
    }
    output.plane.send(out);
  },
});
