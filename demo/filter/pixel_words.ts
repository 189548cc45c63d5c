/**
 * RGBA pixels as 32-bit words: one load or store a pixel instead of four.
 *
 * A word is 0xAABBGGRR, because every machine that Deno runs on is
 * little-endian. It is a signed integer, so that the engine keeps it an integer.
 *
 * @module
 */

import { MediaError } from "../input/media_error.ts";

/** A picture in memory that is lent: RGBA, 8 bits a channel. */
export interface Picture {
  /** Columns. */
  readonly width: number;
  /** Rows. */
  readonly height: number;
  /** From one row's start to the next, a multiple of 4. */
  readonly bytes_per_row: number;
  /** The rows, from a multiple of 4 in their buffer. */
  readonly pixels: Uint8Array;
}

/** An opaque pixel's alpha, in its place within the word. */
export const OPAQUE = 0xff000000 | 0;

/** One pixel as a word; each channel is 0 to 255 and the pixel is opaque. */
export function rgbWord(red: number, green: number, blue: number): number {
  return OPAQUE | (blue << 16) | (green << 8) | red;
}

/**
 * Hands out the word view of byte arrays, and makes it once for each array:
 * work on a pool of surfaces allocates nothing per frame.
 *
 * ```ts
 * import { PixelWords } from "./pixel_words.ts";
 *
 * const words = new PixelWords();
 * const bytes = new Uint8Array(8);
 * words.of(bytes)[1] = 0xff0000ff | 0; // the second pixel is red
 * console.assert(bytes[4] === 0xff && words.of(bytes) === words.of(bytes));
 * ```
 */
export class PixelWords {
  readonly #views = new WeakMap<Uint8Array, Int32Array>();

  /** Borrows the words of `bytes`, valid as long as `bytes` is; a tail of less than a pixel is left out.
   *
   * @throws {MediaError} `bad_argument` if the bytes do not start at a multiple of 4 in their buffer */
  of(bytes: Uint8Array): Int32Array {
    let view = this.#views.get(bytes);
    if (view === undefined) {
      if (bytes.byteOffset % 4 !== 0) {
        throw new MediaError(
          "bad_argument",
          `Cannot view pixels as words: they start at byte ${bytes.byteOffset} of their buffer, ` +
            "which is no multiple of 4",
        );
      }
      view = new Int32Array(
        bytes.buffer,
        bytes.byteOffset,
        bytes.byteLength >> 2,
      );
      this.#views.set(bytes, view);
    }
    return view;
  }
}

/** Checks that a picture of `width` by `height` RGBA pixels lies within `bytes`.
 *
 * @throws {MediaError} `bad_argument`, with the size found and the size needed */
export function checkPicture(
  what: string,
  bytes: Uint8Array,
  bytesPerRow: number,
  width: number,
  height: number,
): void {
  const needed = bytesPerRow * (height - 1) + width * 4;
  if (
    bytesPerRow % 4 !== 0 || bytesPerRow < width * 4 ||
    bytes.byteLength < needed
  ) {
    throw new MediaError(
      "bad_argument",
      `Cannot use the ${what}: ${bytes.byteLength} bytes in rows of ${bytesPerRow} do not hold ` +
        `${width}x${height} RGBA pixels; it takes rows of a multiple of 4, at least ${
          width * 4
        }, and ${needed} bytes`,
    );
  }
}
