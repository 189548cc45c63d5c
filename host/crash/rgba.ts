/**
 * Pixels of any format as RGBA, 8 bits a channel.
 *
 * @module
 */

import type { PixelFormat, Surface } from "../../proto/schema/surface.ts";
import { planeSizes } from "../../proto/schema/surface_layout.ts";

/** Sets the four bytes of one pixel at `to`. */
type SetPixel = (rgba: Uint8Array, to: number, x: number, y: number) => void;

/** The formats whose pixels are the same as RGBA, but for the order of their channels. */
const EXACT: ReadonlySet<PixelFormat> = new Set(["rgba8", "bgra8", "gray8"]);

/** Whether nothing of a format's pixels is lost in {@link rgbaOf}. */
export function isExactInRgba(format: PixelFormat): boolean {
  return EXACT.has(format);
}

/**
 * Returns the pixels of a surface as RGBA, without padding. Of numbers with more
 * bits the highest 8 are used, of floats those from 0 to 1; Y, Cb and Cr are
 * those of BT.709 in its limited range.
 *
 * ```ts
 * import type { Surface } from "@streamlib/bridge";
 *
 * function red(surface: Surface): number {
 *   return rgbaOf(surface)[0]!; // of the first pixel, from 0 to 255
 * }
 *
 * console.log(red.length); // 1
 * ```
 */
export function rgbaOf(surface: Surface): Uint8Array<ArrayBuffer> {
  const { width, height, pixel_format } = surface;
  const rgba = new Uint8Array(4 * width * height);
  const set = READERS[pixel_format](surface, surface.copyTo());
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 4) set(rgba, to, x, y);
  }
  return rgba;
}

/** What reads the pixels of each format, from packed rows. */
const READERS: Readonly<
  Record<PixelFormat, (surface: Surface, packed: Uint8Array) => SetPixel>
> = {
  rgba8: channels(0, 1, 2, 3, 4),
  bgra8: channels(2, 1, 0, 3, 4),
  gray8: gray(1, 0),
  gray16: gray(2, 1),
  rgb10a2: ({ width }, packed) => {
    const view = viewOf(packed);
    return (rgba, to, x, y) => {
      const word = view.getUint32(4 * (y * width + x), true);
      rgba[to] = word >>> 2;
      rgba[to + 1] = word >>> 12;
      rgba[to + 2] = word >>> 22;
      rgba[to + 3] = 85 * (word >>> 30);
    };
  },
  rgba16f: ({ width }, packed) => {
    const view = viewOf(packed);
    return (rgba, to, x, y) => {
      const from = 8 * (y * width + x);
      for (let i = 0; i < 4; i++) {
        rgba[to + i] = byteOf(255 * view.getFloat16(from + 2 * i, true));
      }
    };
  },
  nv12: (surface, packed) => {
    const [, chroma] = planesOf(surface);
    return yuv(surface, (x, y) => {
      const at = chroma!.start + y * chroma!.row + 2 * x;
      return [packed[at]!, packed[at + 1]!];
    }, (at) => packed[at]!);
  },
  i420: (surface, packed) => {
    const [, blue, red] = planesOf(surface);
    return yuv(surface, (x, y) => [
      packed[blue!.start + y * blue!.row + x]!,
      packed[red!.start + y * red!.row + x]!,
    ], (at) => packed[at]!);
  },
  p010: (surface, packed) => {
    const [, chroma] = planesOf(surface);
    // The highest 8 of 16 bits are the second byte.
    return yuv(surface, (x, y) => {
      const at = chroma!.start + y * chroma!.row + 4 * x;
      return [packed[at + 1]!, packed[at + 3]!];
    }, (at) => packed[2 * at + 1]!);
  },
};

function viewOf(packed: Uint8Array): DataView {
  return new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
}

/** Clamps a number to a byte. Not a number is 0. */
function byteOf(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value))) || 0;
}

function channels(
  ...[r, g, b, a, bytes]: [number, number, number, number, number]
) {
  return ({ width }: Surface, packed: Uint8Array): SetPixel =>
  (rgba, to, x, y) => {
    const from = bytes * (y * width + x);
    rgba[to] = packed[from + r]!;
    rgba[to + 1] = packed[from + g]!;
    rgba[to + 2] = packed[from + b]!;
    rgba[to + 3] = packed[from + a]!;
  };
}

/** @param high which byte of a sample is the highest */
function gray(bytes: number, high: number) {
  return ({ width }: Surface, packed: Uint8Array): SetPixel =>
  (rgba, to, x, y) => {
    const value = packed[bytes * (y * width + x) + high]!;
    rgba.fill(value, to, to + 3);
    rgba[to + 3] = 255;
  };
}

/** Where each plane begins in packed rows, and how long its rows are, in bytes. */
function planesOf({ width, height, pixel_format }: Surface) {
  let start = 0;
  return planeSizes({ width, height, pixel_format }).map(
    ({ row_bytes: row, height }) => {
      const plane = { start, row };
      start += row * height;
      return plane;
    },
  );
}

/**
 * @param chroma returns Cb and Cr of a place in their planes
 * @param luma returns the sample of Y by its index
 */
function yuv(
  { width }: Surface,
  chroma: (x: number, y: number) => readonly [number, number],
  luma: (index: number) => number,
): SetPixel {
  return (rgba, to, x, y) => {
    const light = 1.1644 * (luma(y * width + x) - 16);
    const [cb, cr] = chroma(x >> 1, y >> 1);
    rgba[to] = byteOf(light + 1.7927 * (cr - 128));
    rgba[to + 1] = byteOf(light - 0.2132 * (cb - 128) - 0.5329 * (cr - 128));
    rgba[to + 2] = byteOf(light + 2.1124 * (cb - 128));
    rgba[to + 3] = 255;
  };
}
