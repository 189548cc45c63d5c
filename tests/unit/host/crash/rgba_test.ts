import { assertEquals } from "@std/assert";
import { PrivateSurface } from "../../../../channel/memory/private_surface.ts";
import { isExactInRgba, rgbaOf } from "../../../../host/crash/rgba.ts";
import {
  PIXEL_FORMATS,
  type PixelFormat,
} from "../../../../proto/schema/surface.ts";
import { packedBytes } from "../../../../proto/schema/surface_layout.ts";

/** The RGBA of a picture whose packed bytes are these. */
function rgba(
  width: number,
  height: number,
  pixel_format: PixelFormat,
  packed: ArrayLike<number>,
): number[] {
  const surface = new PrivateSurface({ width, height, pixel_format });
  assertEquals(packed.length, packedBytes(surface));
  surface.copyFrom(Uint8Array.from(packed));
  return [...rgbaOf(surface)];
}

Deno.test("formats of one plane as RGBA", () => {
  assertEquals(rgba(1, 1, "rgba8", [1, 2, 3, 4]), [1, 2, 3, 4]);
  assertEquals(rgba(1, 2, "bgra8", [1, 2, 3, 4, 5, 6, 7, 8]), [
    ...[3, 2, 1, 4],
    ...[7, 6, 5, 8],
  ]);
  assertEquals(rgba(2, 1, "gray8", [9, 200]), [
    ...[9, 9, 9, 255],
    ...[200, 200, 200, 255],
  ]);
  assertEquals(rgba(1, 1, "gray16", [0x34, 0x12]), [0x12, 0x12, 0x12, 255]);
  // Red 1023, green 512, blue 4, alpha 2 of 3.
  const word = (1023 | 512 << 10 | 4 << 20 | 2 << 30) >>> 0;
  const bytes = new Uint8Array(Uint32Array.of(word).buffer);
  assertEquals(rgba(1, 1, "rgb10a2", bytes), [255, 128, 1, 170]);
  const floats = new DataView(new ArrayBuffer(8));
  [0.5, 2, -1, NaN].forEach((v, i) => floats.setFloat16(2 * i, v, true));
  assertEquals(rgba(1, 1, "rgba16f", new Uint8Array(floats.buffer)), [
    ...[128, 255, 0, 0],
  ]);
});

Deno.test("Y, Cb and Cr as RGBA, with odd sides", () => {
  // 3 x 3 pixels: 2 x 2 samples of Cb and Cr. Black, white, and red in the last corner.
  const luma = [16, 235, 16, 235, 16, 235, 16, 235, 63];
  const cb = [128, 128, 128, 102], cr = [128, 128, 128, 240];
  const both = cb.flatMap((value, i) => [value, cr[i]!]);
  const black = [0, 0, 0, 255], white = [255, 255, 255, 255];
  const wanted = [
    ...[black, white, black],
    ...[white, black, white],
    ...[black, white, [255, 1, 0, 255]],
  ].flat();
  assertEquals(rgba(3, 3, "nv12", [...luma, ...both]), wanted);
  assertEquals(rgba(3, 3, "i420", [...luma, ...cb, ...cr]), wanted);
  const wide = [...luma, ...both].flatMap((value) => [0, value]);
  assertEquals(rgba(3, 3, "p010", wide), wanted);
});

Deno.test("every format has a picture, and says whether it is exact", () => {
  const exact = Object.keys(PIXEL_FORMATS).filter((format) =>
    isExactInRgba(format as PixelFormat)
  );
  assertEquals(exact, ["bgra8", "rgba8", "gray8"]);
});
