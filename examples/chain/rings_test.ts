/** Tests rings.ts alone, in this process. It needs no permission: `deno test examples/chain`. */
import { assert, assertEquals } from "@std/assert";
import { runProcessor } from "@streamlib/bridge/testing";
import rings from "./rings.ts";

const SIZE = { width: 140, height: 20, pixel_format: "rgba8" } as const;

Deno.test("a ring is inverted, grows from picture to picture, and is opaque", async () => {
  await using run = await runProcessor(rings);
  // 65 pixels from the center the first picture has a ring, the tenth after it has none.
  for (const [number, value] of [[0n, 205], [10n, 50]] as const) {
    using frame = run.input.video.acquire({ ...SIZE, frame_number: number });
    for (const row of frame.pixel_buffer.rows()) row.fill(50);
    run.input.video.send(frame);
    using result = await run.output.video.next();
    assert(result);
    const row = [...result.pixel_buffer.rows()][10]!;
    const at = 4 * (70 + 65);
    assertEquals([...row.subarray(at, at + 4)], [value, value, value, 255]);
    assertEquals(result.frame_number, number);
  }
  await run.end();
});
