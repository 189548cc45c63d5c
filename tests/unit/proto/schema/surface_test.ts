import { assertEquals } from "@std/assert";
import { PIXEL_FORMATS } from "../../../../proto/schema/surface.ts";

Deno.test("each pixel format's system name is its four letters, and its planes are known", () => {
  const formats = Object.entries(PIXEL_FORMATS).map(([format, layout]) => {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, layout.four_cc);
    const planes = layout.planes.map((plane) => [
      plane.horizontal,
      plane.vertical,
      plane.sample_bytes,
    ]);
    return [format, new TextDecoder().decode(bytes), planes];
  });
  assertEquals(formats, [
    ["bgra8", "BGRA", [[1, 1, 4]]],
    ["rgba8", "RGBA", [[1, 1, 4]]],
    ["rgba16f", "RGhA", [[1, 1, 8]]],
    ["gray8", "L008", [[1, 1, 1]]],
    ["gray16", "L016", [[1, 1, 2]]],
    ["rgb10a2", "AB30", [[1, 1, 4]]],
    ["nv12", "420v", [[1, 1, 1], [2, 2, 2]]],
    ["i420", "y420", [[1, 1, 1], [2, 2, 1], [2, 2, 1]]],
    ["p010", "x420", [[1, 1, 2], [2, 2, 4]]],
  ]);
});

Deno.test("the pixel formats cannot be changed", () => {
  for (const layout of [PIXEL_FORMATS, ...Object.values(PIXEL_FORMATS)]) {
    assertEquals(Object.isFrozen(layout), true);
  }
  for (const { planes } of Object.values(PIXEL_FORMATS)) {
    for (const part of [planes, ...planes]) {
      assertEquals(Object.isFrozen(part), true);
    }
  }
});
