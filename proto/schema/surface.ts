/**
 * Surfaces, for code that reads and writes pixels, and the pixel formats.
 * `SurfaceView` implements the interface; `ffi/` has the memory.
 *
 * @module
 */

/**
 * The layout of the pixels of a surface. Rows go from top to bottom, numbers of
 * more than one byte are little-endian.
 *
 * | format | planes | in memory order |
 * |---|---|---|
 * | `bgra8` | 1 | blue, green, red, alpha, 8 bits each |
 * | `rgba8` | 1 | red, green, blue, alpha, 8 bits each |
 * | `rgba16f` | 1 | red, green, blue, alpha, 16-bit floats |
 * | `gray8` | 1 | luminance, 8 bits |
 * | `gray16` | 1 | luminance, 16 bits |
 * | `rgb10a2` | 1 | one 32-bit number: red in the lowest 10 bits, green, blue, alpha in the highest 2 |
 * | `nv12` | 2 | Y, 8 bits; then Cb and Cr in turn, 8 bits each, for every 2 × 2 pixels |
 * | `i420` | 3 | Y, 8 bits; then Cb; then Cr, 8 bits for every 2 × 2 pixels |
 * | `p010` | 2 | as `nv12`, with 16 bits each, of which the highest 10 are used |
 *
 * In a picture with an odd side, the last column or row of Cb and Cr belongs to
 * one pixel instead of two: their planes' sides are rounded up.
 */
export type PixelFormat =
  | "bgra8"
  | "rgba8"
  | "rgba16f"
  | "gray8"
  | "gray16"
  | "rgb10a2"
  | "nv12"
  | "i420"
  | "p010";

/** The properties of one plane of a pixel format. */
export interface PlaneFormat {
  /** The number of pixels, side by side, that share one sample: 1 or 2. */
  readonly horizontal: number;
  /** The number of pixels, one below the other, that share one sample: 1 or 2. */
  readonly vertical: number;
  /** The size of one sample with all its components in this plane, in bytes. */
  readonly sample_bytes: number;
}

/** The properties of a pixel format. */
export interface PixelLayout {
  /** The FourCC code: four ASCII letters, the first in the highest byte. */
  readonly four_cc: number;
  /** Its planes, in their order in memory. */
  readonly planes: readonly PlaneFormat[];
}

/** A plane with a sample of `sample_bytes` bytes for every `shared` × `shared` pixels. */
function plane(sample_bytes: number, shared = 1): PlaneFormat {
  return Object.freeze({
    horizontal: shared,
    vertical: shared,
    sample_bytes,
  });
}

function format(four_cc: number, ...planes: PlaneFormat[]): PixelLayout {
  return Object.freeze({ four_cc, planes: Object.freeze(planes) });
}

/** All pixel formats, by name. The codes are CoreVideo's; `rgb10a2` is unknown there and has DRM's. */
export const PIXEL_FORMATS: Readonly<Record<PixelFormat, PixelLayout>> = Object
  .freeze({
    bgra8: format(0x42475241, plane(4)), // 'BGRA'
    rgba8: format(0x52474241, plane(4)), // 'RGBA'
    rgba16f: format(0x52476841, plane(8)), // 'RGhA'
    gray8: format(0x4c303038, plane(1)), // 'L008'
    gray16: format(0x4c303136, plane(2)), // 'L016'
    rgb10a2: format(0x41423330, plane(4)), // 'AB30'
    nv12: format(0x34323076, plane(1), plane(2, 2)), // '420v'
    i420: format(0x79343230, plane(1), plane(1, 2), plane(1, 2)), // 'y420'
    p010: format(0x78343230, plane(2), plane(4, 2)), // 'x420'
  });

/** One plane of a surface. */
export interface Plane {
  /** Samples per row. In a plane that is shared by 2 × 2 pixels, half the surface's width, rounded up. */
  readonly width: number;
  /** Rows. In a plane that is shared by 2 × 2 pixels, half the surface's height, rounded up. */
  readonly height: number;
  /** Bytes from the start of one row to the start of the next. */
  readonly bytes_per_row: number;
  /** The plane's rows with their padding, `bytes_per_row * height` bytes, without a copy. Valid as long as `pixels`. */
  readonly bytes: Uint8Array;
}

/** Rows of bytes that {@link Surface.copyFrom} reads. */
export interface CopyFromOptions {
  /**
   * Bytes from the start of one row of the source to the start of the next: one
   * number for a format with one plane, one for each plane in a list for any
   * other. By default the source is packed.
   */
  readonly bytes_per_row?: number | readonly number[];
}

/**
 * A handle of the system for the memory of a surface: the number of a file
 * descriptor on Linux, a pointer to an `IOSurface` on macOS.
 */
export type NativeSurfaceHandle = number | Deno.PointerObject;

/**
 * A 2-D pixel buffer in memory that both processes map.
 *
 * Rows are padded: a row is `bytes_per_row` bytes long, which is often more than
 * its pixels need. {@link rows}, {@link copyFrom} and {@link copyTo} leave the
 * padding out. A format such as `nv12` has several {@link planes}.
 *
 * ```ts
 * import type { Surface } from "@streamlib/bridge";
 *
 * function invert(surface: Surface): void {
 *   for (const row of surface.rows()) {
 *     for (let i = 0; i < row.length; i++) row[i] = 255 - row[i]!;
 *   }
 * }
 *
 * function send(surface: Surface, picture: Uint8Array): void {
 *   surface.copyFrom(picture); // width * 4 bytes for each row, without padding
 * }
 * ```
 */
export interface Surface {
  /** Pixels per row. */
  readonly width: number;
  /** Rows of pixels. */
  readonly height: number;
  /** Bytes from the start of one row to the start of the next, in the first plane. */
  readonly bytes_per_row: number;
  /** The layout of the pixels. */
  readonly pixel_format: PixelFormat;
  /**
   * The pixels with the padding of their rows: row `y` of the first plane starts
   * at byte `y * bytes_per_row`, not at `y * width * 4`. It is the memory of all
   * planes, without a copy. Valid as long as the lease on the surface; do not
   * keep it longer.
   */
  readonly pixels: Uint8Array;
  /** The planes, one or more, in the order of the format. */
  readonly planes: readonly Plane[];
  /**
   * The system's handle of the memory, for code that gives it to a GPU. It is
   * borrowed: valid as long as the lease on the surface, and never to be closed
   * or released. Undefined if the surface is private memory of this process.
   */
  readonly handle: NativeSurfaceHandle | undefined;

  /**
   * The rows of one plane from top to bottom, each without its padding and
   * without a copy.
   *
   * @param plane the index of the plane, 0 if it is not given
   * @throws {BridgeError} `bad_argument` if there is no such plane
   */
  rows(plane?: number): Iterable<Uint8Array>;

  /**
   * Fills the surface from `source`: its planes one after the other, the rows of
   * each from top to bottom. The padding of the surface's rows is left as it is.
   *
   * @param source the pixels. Packed, unless `options` says how long a row is;
   * the padding of the very last row may be missing
   * @throws {BridgeError} `bad_argument` if `source` is not as long as the
   * surface needs, or `bytes_per_row` is shorter than a row
   */
  copyFrom(
    source: ArrayBufferView | ArrayBuffer,
    options?: CopyFromOptions,
  ): void;

  /**
   * Copies the pixels out, packed: the planes one after the other, the rows of
   * each without padding.
   *
   * @param into the memory to use; new memory if it is not given. It may be
   * longer than needed
   * @returns the packed pixels, which begin at the start of `into`
   * @throws {BridgeError} `bad_argument` if `into` is too short
   */
  copyTo(into?: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>;

  /**
   * The picture for a canvas, of `rgba8` or `bgra8`. For `rgba8` without padding
   * its `data` is the surface's own memory, with the same lifetime; else it is a
   * copy.
   *
   * @throws {BridgeError} `bad_argument` for every other format
   */
  toImageData(): ImageData;
}
