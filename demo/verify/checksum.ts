/**
 * Computes the checksum of a picture.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import { checkPicture } from "../filter/pixel_words.ts";

/** A picture in memory, such as a surface: RGBA, 8 bits a channel. */
export interface Picture {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** From one row's start to the next, a multiple of 4. */
  readonly bytes_per_row: number;
  /** The rows, borrowed. */
  readonly pixels: Uint8Array;
}

/**
 * Returns the CRC-32 of a picture's pixels, row after row. Bytes between the rows
 * do not count: the checksum does not depend on the stride.
 *
 * ```ts
 * import { checksum } from "./checksum.ts";
 *
 * const tight = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
 * const wide = new Uint8Array([1, 2, 3, 4, 0, 0, 0, 0, 5, 6, 7, 8]);
 * const same = checksum({ width: 1, height: 2, bytes_per_row: 4, pixels: tight }) ===
 *   checksum({ width: 1, height: 2, bytes_per_row: 8, pixels: wide });
 * console.assert(same);
 * ```
 *
 * @returns 0 to 2³² − 1
 * @throws {MediaError} `bad_argument` if the bytes do not hold the picture */
export function checksum(picture: Picture): number {
  const { width, height, bytes_per_row, pixels } = picture;
  checkPicture("picture", pixels, bytes_per_row, width, height);
  const row = width * 4;
  if (bytes_per_row === row) return crc32(pixels.subarray(0, row * height));
  let sum = 0;
  for (let y = 0; y < height; y++) {
    const start = y * bytes_per_row;
    sum = crc32(pixels.subarray(start, start + row), sum);
  }
  return sum;
}
