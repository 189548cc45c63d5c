import { assertEquals } from "@std/assert";
import {
  packedBytes,
  paddedLayout,
  planeSizes,
} from "../../../../proto/schema/surface_layout.ts";
import type { PixelFormat } from "../../../../proto/schema/surface.ts";

Deno.test("the sides of planes that pixels share are rounded up", () => {
  const sizes = (width: number, height: number, pixel_format: PixelFormat) =>
    planeSizes({ width, height, pixel_format }).map((
      { width, height, row_bytes },
    ) => [width, height, row_bytes]);
  assertEquals(sizes(1, 1, "nv12"), [[1, 1, 1], [1, 1, 2]]);
  assertEquals(sizes(33, 17, "nv12"), [[33, 17, 33], [17, 9, 34]]);
  assertEquals(sizes(33, 17, "i420"), [[33, 17, 33], [17, 9, 17], [17, 9, 17]]);
  assertEquals(sizes(33, 17, "p010"), [[33, 17, 66], [17, 9, 68]]);
  assertEquals(sizes(854, 480, "i420").slice(1), [
    [427, 240, 427],
    [427, 240, 427],
  ]);
  assertEquals(sizes(33, 17, "rgb10a2"), [[33, 17, 132]]);
});

Deno.test("a packed picture has the bytes of all its planes", () => {
  const packed = (width: number, height: number, pixel_format: PixelFormat) =>
    packedBytes({ width, height, pixel_format });
  assertEquals(packed(1, 1, "nv12"), 3);
  assertEquals(packed(1920, 1080, "nv12"), 1920 * 1080 * 3 / 2);
  assertEquals(packed(33, 17, "i420"), 33 * 17 + 2 * 17 * 9);
  assertEquals(packed(33, 17, "p010"), 2 * (33 * 17 + 2 * 17 * 9));
  assertEquals(packed(33, 17, "rgba16f"), 33 * 17 * 8);
});

Deno.test("in private memory rows and planes begin at multiples of 64", () => {
  assertEquals(paddedLayout({ width: 33, height: 17, pixel_format: "nv12" }), {
    width: 33,
    height: 17,
    pixel_format: "nv12",
    bytes_per_row: 64,
    planes: [
      { offset: 0, width: 33, height: 17, bytes_per_row: 64 },
      { offset: 1088, width: 17, height: 9, bytes_per_row: 64 },
    ],
    bytes: 1088 + 64 * 9,
  });
});
