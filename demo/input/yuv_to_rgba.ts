/**
 * Video frames (luma and chroma planes) to RGBA pixels, by tables and integers.
 *
 * @module
 */

import { checkPicture, OPAQUE, PixelWords } from "../filter/pixel_words.ts";
import type { PlaneLayout } from "./y4m.ts";

/** The standard of the video's luma: BT.601 or BT.709. */
export type Matrix = "bt601" | "bt709";

/** The weights of red and blue in luma. */
const WEIGHTS: Record<Matrix, { red: number; blue: number }> = {
  bt601: { red: 0.299, blue: 0.114 },
  bt709: { red: 0.2126, blue: 0.0722 },
};

/** Fractional bits of the tables' fixed-point numbers. */
const FRACTION = 16;
/** Added to every luma entry, so that no sum is negative and each can index the clamping tables. */
const HEADROOM = 512;

/** One plane of a picture: its rows, with or without padding. */
export interface PlaneRows {
  /** The rows, one after the other. */
  readonly bytes: Uint8Array;
  /** From one row's start to the next. */
  readonly bytes_per_row: number;
}

/** The planes of a frame in which they follow each other without a gap. */
export function packedPlanes(
  frame: Uint8Array,
  { width, height, chromaWidth, chromaHeight }: PlaneLayout,
): PlaneRows[] {
  const luma = { bytes: frame, bytes_per_row: width };
  if (chromaWidth === 0) return [luma];
  const cb = width * height;
  return [
    luma,
    { bytes: frame.subarray(cb), bytes_per_row: chromaWidth },
    {
      bytes: frame.subarray(cb + chromaWidth * chromaHeight),
      bytes_per_row: chromaWidth,
    },
  ];
}

/** The most likely matrix of a video that does not name one. */
export function guessMatrix(height: number): Matrix {
  return height < 720 ? "bt601" : "bt709";
}

/**
 * Converts frames of one layout.
 *
 * ```ts
 * import { planeLayout } from "./y4m.ts";
 * import { YuvToRgba } from "./yuv_to_rgba.ts";
 *
 * const converter = new YuvToRgba(planeLayout(2, 1, "mono"));
 * const luma = { bytes: new Uint8Array([16, 235]), bytes_per_row: 2 };
 * const pixels = new Uint8Array(8);
 * converter.convert([luma], pixels, 8);
 * console.assert(pixels.join() === "0,0,0,255,255,255,255,255");
 * ```
 */
export class YuvToRgba {
  readonly #layout: PlaneLayout;
  readonly #words = new PixelWords();
  readonly #luma = new Int32Array(256);
  readonly #redOfCr = new Int32Array(256);
  readonly #greenOfCr = new Int32Array(256);
  readonly #greenOfCb = new Int32Array(256);
  readonly #blueOfCb = new Int32Array(256);
  // A channel's sum, clamped to 0 to 255 and shifted to its position in the word;
  // the words of blue contain the alpha too.
  readonly #red = new Int32Array(3 * HEADROOM);
  readonly #green = new Int32Array(3 * HEADROOM);
  readonly #blue = new Int32Array(3 * HEADROOM);

  /** Computes the tables.
   *
   * @param layout the planes of every frame that will come
   * @param options `matrix` if it is known, and whether the video is of full range */
  constructor(
    layout: PlaneLayout,
    options: { matrix?: Matrix; fullRange?: boolean } = {},
  ) {
    this.#layout = layout;
    const { red, blue } = WEIGHTS[options.matrix ?? guessMatrix(layout.height)];
    const green = 1 - red - blue;
    const one = 1 << FRACTION;
    const black = options.fullRange ? 0 : 16;
    const lumaScale = options.fullRange ? one : one * 255 / 219;
    const chromaScale = options.fullRange ? one : one * 255 / 224;
    for (let i = 0; i < 256; i++) {
      const chroma = (i - 128) * chromaScale;
      this.#luma[i] = Math.round((i - black) * lumaScale) +
        HEADROOM * one + one / 2;
      this.#redOfCr[i] = Math.round(2 * (1 - red) * chroma);
      this.#greenOfCr[i] = Math.round(-2 * (1 - red) * red / green * chroma);
      this.#greenOfCb[i] = Math.round(-2 * (1 - blue) * blue / green * chroma);
      this.#blueOfCb[i] = Math.round(2 * (1 - blue) * chroma);
    }
    for (let i = 0; i < 3 * HEADROOM; i++) {
      const value = Math.max(0, Math.min(255, i - HEADROOM));
      this.#red[i] = value;
      this.#green[i] = value << 8;
      this.#blue[i] = value << 16 | OPAQUE;
    }
  }

  /** Writes a frame of the layout, by its planes Y, Cb and Cr, into `into` as opaque RGBA rows of `bytesPerRow`, a multiple of 4.
   *
   * Bytes between a row's pixels and the next row are left alone.
   *
   * @throws {MediaError} `bad_argument` if `into` is too small or not aligned to pixels */
  convert(
    [luma, cb, cr]: readonly PlaneRows[],
    into: Uint8Array,
    bytesPerRow: number,
  ): void {
    const { width, height } = this.#layout;
    checkPicture("target", into, bytesPerRow, width, height);
    const words = this.#words.of(into);
    if (cb && cr) this.#convertColour(luma!, cb, cr, words, bytesPerRow >> 2);
    else this.#convertMono(luma!, words, bytesPerRow >> 2);
  }

  #convertMono(
    { bytes, bytes_per_row }: PlaneRows,
    words: Int32Array,
    stride: number,
  ): void {
    const { width, height } = this.#layout;
    const luma = this.#luma;
    const red = this.#red;
    for (let y = 0; y < height; y++) {
      const row = y * bytes_per_row;
      for (let x = 0; x < width; x++) {
        const grey = red[luma[bytes[row + x]!]! >> FRACTION]!;
        words[y * stride + x] = OPAQUE | (grey * 0x010101);
      }
    }
  }

  #convertColour(
    luma: PlaneRows,
    cb: PlaneRows,
    cr: PlaneRows,
    words: Int32Array,
    stride: number,
  ): void {
    const { width, height, chromaWidth, chromaHeight } = this.#layout;
    for (let y = 0; y < height; y++) {
      const chromaRow = chromaHeight < height ? y >> 1 : y;
      const rows = [
        luma.bytes.subarray(y * luma.bytes_per_row),
        cb.bytes.subarray(chromaRow * cb.bytes_per_row),
        cr.bytes.subarray(chromaRow * cr.bytes_per_row),
      ] as const;
      if (chromaWidth < width) this.#convertPairs(...rows, words, y * stride);
      else this.#convertSingles(...rows, words, y * stride);
    }
  }

  /** A row in which every two pixels share a chroma sample, and an odd last one has its own. */
  #convertPairs(
    grey: Uint8Array,
    cb: Uint8Array,
    cr: Uint8Array,
    words: Int32Array,
    to: number,
  ): void {
    const luma = this.#luma;
    const redOfCr = this.#redOfCr;
    const greenOfCr = this.#greenOfCr;
    const greenOfCb = this.#greenOfCb;
    const blueOfCb = this.#blueOfCb;
    const red = this.#red;
    const green = this.#green;
    const blue = this.#blue;
    const { width } = this.#layout;
    for (let x = 0; x < width; x += 2, to += 2) {
      const u = cb[x >> 1]!;
      const v = cr[x >> 1]!;
      const r = redOfCr[v]!;
      const g = greenOfCr[v]! + greenOfCb[u]!;
      const b = blueOfCb[u]!;
      const first = luma[grey[x]!]!;
      words[to] = blue[(first + b) >> FRACTION]! |
        green[(first + g) >> FRACTION]! | red[(first + r) >> FRACTION]!;
      if (x + 1 === width) return;
      const second = luma[grey[x + 1]!]!;
      words[to + 1] = blue[(second + b) >> FRACTION]! |
        green[(second + g) >> FRACTION]! | red[(second + r) >> FRACTION]!;
    }
  }

  /** A row in which each pixel has its own chroma sample. */
  #convertSingles(
    grey: Uint8Array,
    cb: Uint8Array,
    cr: Uint8Array,
    words: Int32Array,
    to: number,
  ): void {
    const luma = this.#luma;
    const redOfCr = this.#redOfCr;
    const greenOfCr = this.#greenOfCr;
    const greenOfCb = this.#greenOfCb;
    const blueOfCb = this.#blueOfCb;
    const red = this.#red;
    const green = this.#green;
    const blue = this.#blue;
    for (let x = 0; x < this.#layout.width; x++) {
      const u = cb[x]!;
      const v = cr[x]!;
      const sample = luma[grey[x]!]!;
      words[to + x] = blue[(sample + blueOfCb[u]!) >> FRACTION]! |
        green[(sample + greenOfCr[v]! + greenOfCb[u]!) >> FRACTION]! |
        red[(sample + redOfCr[v]!) >> FRACTION]!;
    }
  }
}
