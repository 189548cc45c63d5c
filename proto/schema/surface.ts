/**
 * What a surface is to those who read and write its pixels.
 *
 * The memory behind it, its mapping, its locking and its lease belong to
 * `ffi/`, which implements this interface.
 *
 * @module
 */

/**
 * How the pixels of a surface are laid out, one plane, rows from top to bottom.
 *
 * | format | bytes per pixel | in memory order |
 * |---|---|---|
 * | `bgra8` | 4 | blue, green, red, alpha, 8 bits each |
 * | `rgba8` | 4 | red, green, blue, alpha, 8 bits each |
 * | `rgba16f` | 8 | red, green, blue, alpha, 16-bit floats |
 * | `gray8` | 1 | luminance, 8 bits |
 */
export type PixelFormat = "bgra8" | "rgba8" | "rgba16f" | "gray8";

/** A pixel format as the system knows it. */
export interface PixelLayout {
  /** Bytes that one pixel takes. */
  readonly bytes_per_pixel: number;
  /** The system's name: four ASCII letters, the first in the highest byte. */
  readonly four_cc: number;
}

/** Every pixel format, by its name here. */
export const PIXEL_FORMATS: Readonly<Record<PixelFormat, PixelLayout>> = Object
  .freeze({
    bgra8: { bytes_per_pixel: 4, four_cc: 0x42475241 }, // 'BGRA'
    rgba8: { bytes_per_pixel: 4, four_cc: 0x52474241 }, // 'RGBA'
    rgba16f: { bytes_per_pixel: 8, four_cc: 0x52476841 }, // 'RGhA'
    gray8: { bytes_per_pixel: 1, four_cc: 0x4c303038 }, // 'L008'
  });

/**
 * A 2-D pixel buffer that both processes have mapped.
 *
 * Row `y` starts at byte `y * bytes_per_row`, which may be more than
 * `width` pixels take: the system aligns rows. Never compute it.
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
  /** How the pixels are laid out. */
  readonly pixel_format: PixelFormat;
  /**
   * The pixels, in place: no copy. Valid for as long as the surface's lease,
   * and not to be kept beyond it.
   */
  readonly pixels: Uint8Array;
}
