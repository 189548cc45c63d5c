import { assertEquals, assertStrictEquals } from "@std/assert";
import { PrivateSurface } from "../../../../channel/memory/private_surface.ts";

Deno.test("a private surface has its size, whole rows, and pixels that stay", () => {
  const surface = new PrivateSurface({
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

Deno.test("a private surface of several planes has the memory of all of them", () => {
  const surface = new PrivateSurface({
    width: 5,
    height: 3,
    pixel_format: "i420",
  });
  assertEquals(surface.pixels.length, 64 * (3 + 2 + 2));
  assertEquals(
    surface.planes.map(({ width, height, bytes }) => [
      width,
      height,
      bytes.length,
    ]),
    [[5, 3, 192], [3, 2, 128], [3, 2, 128]],
  );
  assertEquals(surface.handle, undefined);
});

Deno.test("a private surface whose pixels were transferred gets new ones", () => {
  const surface = new PrivateSurface({
    width: 1,
    height: 1,
    pixel_format: "gray8",
  });
  structuredClone(surface.pixels.buffer, { transfer: [surface.pixels.buffer] });
  surface.copyFrom(new Uint8Array([3]));
  assertEquals(surface.copyTo(), new Uint8Array([3]));
});
