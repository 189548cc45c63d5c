import { assertEquals, assertStrictEquals } from "@std/assert";
import { spareSurface } from "../../../../channel/memory/spare_surface.ts";

Deno.test("a spare surface has its size, whole rows, and pixels that stay", () => {
  const surface = spareSurface({
    width: 67,
    height: 3,
    pixel_format: "rgba16f",
  });
  assertEquals(surface.bytes_per_row, 576); // 67 × 8 = 536, and up to 64
  assertEquals(surface.pixels.length, 576 * 3);
  surface.pixels.fill(9);
  assertStrictEquals(surface.pixels, surface.pixels);
  assertEquals(surface.pixels[0], 9);
  assertEquals(
    [surface.width, surface.height, surface.pixel_format],
    [67, 3, "rgba16f"],
  );
});
