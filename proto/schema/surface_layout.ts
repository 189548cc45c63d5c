/**
 * Where the pixels of a surface are in its memory.
 *
 * @module
 */

import { PIXEL_FORMATS, type PixelFormat } from "./surface.ts";

/** The size and format of a picture. */
export interface PictureSize {
  /** Pixels per row. */
  readonly width: number;
  /** Rows of pixels. */
  readonly height: number;
  /** The layout of the pixels. */
  readonly pixel_format: PixelFormat;
}

/** The size of one plane, without padding. */
export interface PlaneSize {
  /** Samples per row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** The bytes of a row, without padding. */
  readonly row_bytes: number;
}

/** Where one plane is in the memory of its surface. */
export interface PlanePlace {
  /** Its first byte, counted from the first byte of the surface's pixels. */
  readonly offset: number;
  /** Samples per row. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** Bytes from the start of one row to the start of the next. */
  readonly bytes_per_row: number;
}

/** Where the planes of a surface are in its memory. */
export interface SurfaceLayout extends PictureSize {
  /** That of the first plane. */
  readonly bytes_per_row: number;
  /** The planes, in the order of the format. */
  readonly planes: readonly PlanePlace[];
  /** The bytes from the first plane to the end of the last one, with all padding. */
  readonly bytes: number;
}

/** Rows and planes of private memory begin at multiples of this many bytes, as those of surfaces do, so that code with a wrong row length fails here too. */
const ALIGNMENT = 64;

/** The sizes of the planes of a picture. Odd sides are rounded up. */
export function planeSizes(
  { width, height, pixel_format }: PictureSize,
): PlaneSize[] {
  return PIXEL_FORMATS[pixel_format].planes.map(
    ({ horizontal, vertical, sample_bytes }) => {
      const samples = Math.ceil(width / horizontal);
      return {
        width: samples,
        height: Math.ceil(height / vertical),
        row_bytes: samples * sample_bytes,
      };
    },
  );
}

/** The bytes of a picture without any padding. */
export function packedBytes(size: PictureSize): number {
  return planeSizes(size).reduce(
    (sum, { height, row_bytes }) => sum + row_bytes * height,
    0,
  );
}

/** The layout of a picture in private memory, with padded rows. */
export function paddedLayout(size: PictureSize): SurfaceLayout {
  const { width, height, pixel_format } = size;
  let bytes = 0;
  const planes = planeSizes(size).map((plane) => {
    const bytes_per_row = Math.ceil(plane.row_bytes / ALIGNMENT) * ALIGNMENT;
    const offset = bytes;
    bytes += bytes_per_row * plane.height;
    return { offset, width: plane.width, height: plane.height, bytes_per_row };
  });
  const { bytes_per_row } = planes[0]!;
  return { width, height, pixel_format, bytes_per_row, planes, bytes };
}
