import { assertEquals } from "@std/assert";
import { PIXEL_FORMATS } from "../../../../proto/schema/surface.ts";

Deno.test("each pixel format's system name is its four letters", () => {
  const letters = Object.entries(PIXEL_FORMATS).map(([format, layout]) => {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, layout.four_cc);
    return [format, new TextDecoder().decode(bytes), layout.bytes_per_pixel];
  });
  assertEquals(letters, [
    ["bgra8", "BGRA", 4],
    ["rgba8", "RGBA", 4],
    ["rgba16f", "RGhA", 8],
    ["gray8", "L008", 1],
  ]);
});
