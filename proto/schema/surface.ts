/**
 * Surfaces, for code that reads and writes pixels. `ffi/` implements the
 * interface, with the memory, mapping and locking.
 *
 * @module
 */

/**
 * The layout of the pixels of a surface: one plane, rows from top to bottom.
 *
 * | format | bytes per pixel | in memory order |
 * |---|---|---|
 * | `bgra8` | 4 | blue, green, red, alpha, 8 bits each |
 * | `rgba8` | 4 | red, green, blue, alpha, 8 bits each |
 * | `rgba16f` | 8 | red, green, blue, alpha, 16-bit floats |
 * | `gray8` | 1 | luminance, 8 bits |
 */
export type PixelFormat = "bgra8" | "rgba8" | "rgba16f" | "gray8";

/** The properties of a pixel format. */
export interface PixelLayout {
  /** The size of one pixel, in bytes. */
  readonly bytes_per_pixel: number;
  /** The FourCC code: four ASCII letters, the first in the highest byte. */
  readonly four_cc: number;
}

/** All pixel formats, by name. */
export const PIXEL_FORMATS: Readonly<Record<PixelFormat, PixelLayout>> = Object
  .freeze({
    bgra8: { bytes_per_pixel: 4, four_cc: 0x42475241 }, // 'BGRA'
    rgba8: { bytes_per_pixel: 4, four_cc: 0x52474241 }, // 'RGBA'
    rgba16f: { bytes_per_pixel: 8, four_cc: 0x52476841 }, // 'RGhA'
    gray8: { bytes_per_pixel: 1, four_cc: 0x4c303038 }, // 'L008'
  });

/**
 * A 2-D pixel buffer in memory that both processes map.
 *
 * Row `y` starts at byte `y * bytes_per_row`. A row may be longer than `width`
 * pixels, because the system aligns rows: never compute `bytes_per_row`.
 *
 * ```ts
 * import type { Surface } from "@streamlib/bridge";
 *
 * function clear(surface: Surface): void {
 *   for (let y = 0; y < surface.height; y++) {
 *     const row = y * surface.bytes_per_row;
 *     surface.pixels.fill(0, row, row + surface.width * 4);
 *   }
 * }
 * ```
 */
export interface Surface {
  /** Pixels per row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Bytes from the start of one row to the start of the next. */
  readonly bytes_per_row: number;
  /** The layout of the pixels. */
  readonly pixel_format: PixelFormat;
  /**
   * The pixels, without a copy. Valid as long as the lease on the surface; do
   * not keep them longer.
   */
  readonly pixels: Uint8Array;
}
