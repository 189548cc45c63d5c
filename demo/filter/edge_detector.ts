/**
 * The demo's processor: edges in colours of their direction over the darkened
 * picture, with the histogram of its luma.
 *
 * @module
 */

import { Histogram } from "./histogram.ts";
import { checkPicture, OPAQUE, PixelWords, rgbWord } from "./pixel_words.ts";

/** Gradients are −1020 to 1020; colours are looked up by both of theirs in steps of 16. */
const STEP_SHIFT = 4;
const MOST = 64;
const SIDE = 2 * MOST + 1;
/** The sums of gradients at which edges begin to shine, and shine fully. */
const FAINT = 32;
const FULL = 256;
/** The smallest share of an edge's brightness in each channel: pure blue would hardly be visible. */
const PALE = 0.25;
/** The darkened picture is at most 63, so what an edge adds never overflows a channel. */
const BRIGHTEST = 192;
const DARKEN_SHIFT = 2;
const DARKENED = 0x003f3f3f;

/**
 * Finds the edges of pictures of one size (Sobel, on luma). Integers only: the
 * same picture gives the same result everywhere. Allocates nothing per picture,
 * as long as it is given the same few byte arrays.
 *
 * ```ts
 * import { EdgeDetector } from "./edge_detector.ts";
 *
 * const detector = new EdgeDetector(640, 360);
 * const camera = new Uint8Array(640 * 360 * 4);
 * const display = new Uint8Array(640 * 360 * 4);
 * detector.detect(camera, 640 * 4, display, 640 * 4);
 * ```
 */
export class EdgeDetector {
  readonly #width: number;
  readonly #height: number;
  readonly #words = new PixelWords();
  readonly #histogram: Histogram;
  readonly #colours = edgeColours();
  /** The luma of the rows above, at and below the one that is being written. */
  readonly #rows: [Uint8Array, Uint8Array, Uint8Array];

  /** Prepares for pictures of one size.
   *
   * @param width columns of every picture
   * @param height rows of every picture */
  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
    this.#histogram = new Histogram(width, height);
    this.#rows = [
      new Uint8Array(width),
      new Uint8Array(width),
      new Uint8Array(width),
    ];
  }

  /** Writes the edges of `source` into `target`; both are opaque RGBA, 8 bits a channel.
   *
   * Bytes between a row's pixels and the next row are neither read nor written.
   *
   * @param source the picture, borrowed for the call; not the target
   * @param sourceBytesPerRow from one row's start to the next, a multiple of 4
   * @param target where the result goes, borrowed for the call
   * @param targetBytesPerRow as for the source
   * @throws {MediaError} `bad_argument` if either is too small, or not aligned to pixels */
  detect(
    source: Uint8Array,
    sourceBytesPerRow: number,
    target: Uint8Array,
    targetBytesPerRow: number,
  ): void {
    const width = this.#width;
    const height = this.#height;
    checkPicture("source", source, sourceBytesPerRow, width, height);
    checkPicture("target", target, targetBytesPerRow, width, height);
    const from = this.#words.of(source);
    const to = this.#words.of(target);
    const fromStride = sourceBytesPerRow >> 2;
    const toStride = targetBytesPerRow >> 2;

    this.#histogram.clear();
    let [above, row, below] = this.#rows;
    this.#luma(from, 0, row);
    // Outside the picture, its border pixels are repeated.
    above.set(row);
    for (let y = 0; y < height; y++) {
      if (y + 1 < height) this.#luma(from, (y + 1) * fromStride, below);
      else below.set(row);
      this.#edges(from, y * fromStride, above, row, below, to, y * toStride);
      [above, row, below] = [row, below, above];
    }
    this.#histogram.draw(to, toStride);
  }

  /** Takes the luma of a row, and counts it. */
  #luma(from: Int32Array, start: number, into: Uint8Array): void {
    for (let x = 0; x < into.length; x++) {
      const pixel = from[start + x]!;
      // BT.601's weights in 1/256.
      into[x] = ((pixel & 0xff) * 77 + (pixel >> 8 & 0xff) * 150 +
        (pixel >> 16 & 0xff) * 29) >> 8;
    }
    this.#histogram.count(into);
  }

  /** Writes a row: the darkened pixels, and to each the colour of its gradient. */
  #edges(
    from: Int32Array,
    fromStart: number,
    above: Uint8Array,
    row: Uint8Array,
    below: Uint8Array,
    to: Int32Array,
    toStart: number,
  ): void {
    const colours = this.#colours;
    const last = this.#width - 1;
    // The parts of both gradients in one column: the weighted vertical sum, and the difference.
    let leftSum = above[0]! + 2 * row[0]! + below[0]!;
    let leftDifference = below[0]! - above[0]!;
    let sum = leftSum;
    let difference = leftDifference;
    for (let x = 0; x <= last; x++) {
      const next = x < last ? x + 1 : last;
      const rightSum = above[next]! + 2 * row[next]! + below[next]!;
      const rightDifference = below[next]! - above[next]!;
      const across = rightSum - leftSum;
      const down = leftDifference + 2 * difference + rightDifference;
      to[toStart + x] = (from[fromStart + x]! >> DARKEN_SHIFT & DARKENED) +
        colours[colourIndex(across, down)]!;
      leftSum = sum;
      leftDifference = difference;
      sum = rightSum;
      difference = rightDifference;
    }
  }
}

/** Returns the index of a gradient's colour in the table, rounded to the nearest step. */
function colourIndex(across: number, down: number): number {
  const half = 1 << (STEP_SHIFT - 1);
  return ((down + half >> STEP_SHIFT) + MOST) * SIDE +
    (across + half >> STEP_SHIFT) + MOST;
}

/** The colour that each gradient adds, with the result's alpha: hue by direction, brightness by size. */
function edgeColours(): Int32Array {
  const colours = new Int32Array(SIDE * SIDE).fill(OPAQUE);
  const step = 1 << STEP_SHIFT;
  for (let down = -MOST * step; down <= MOST * step; down += step) {
    for (let across = -MOST * step; across <= MOST * step; across += step) {
      const size = Math.abs(across) + Math.abs(down);
      const shine = Math.floor(
        BRIGHTEST * Math.max(0, Math.min(FULL, size) - FAINT) / (FULL - FAINT),
      );
      if (shine > 0) {
        colours[colourIndex(across, down)] = hue(across, down, size, shine);
      }
    }
  }
  return colours;
}

/** A colour of the wheel by a gradient's direction, as bright as `shine`.
 *
 * The direction is measured along a diamond rather than a circle: that takes
 * no arcus tangent, whose last bits differ from one engine to the next. */
function hue(
  across: number,
  down: number,
  size: number,
  shine: number,
): number {
  // 0 to 4, a quarter of the way round for each side of the diamond.
  const turn = across >= 0
    ? (down >= 0 ? down / size : 4 + down / size)
    : 2 - down / size;
  const channel = (centre: number): number => {
    // A channel is full within a sixth of the wheel from its centre, and least after a third.
    const away = Math.abs((turn * 1.5 - centre + 9) % 6 - 3);
    return Math.floor(shine * Math.max(PALE, Math.min(1, 2 - away)));
  };
  return rgbWord(channel(0), channel(2), channel(4));
}
