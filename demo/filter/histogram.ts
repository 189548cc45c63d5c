/**
 * Draws a histogram of the luma into the picture's lower left corner.
 *
 * @module
 */

import { rgbWord } from "./pixel_words.ts";

/** The share of the picture that shows through the panel, and the panel's own colour. */
const PANEL_SHIFT = 1;
const PANEL_KEEP = 0x007f7f7f;
const PANEL_TONE = rgbWord(10, 14, 24);
const AXIS = rgbWord(150, 165, 185);

/**
 * Counts the lumas of one picture at a time, and draws the histogram.
 *
 * ```ts
 * import { Histogram } from "./histogram.ts";
 *
 * const histogram = new Histogram(64, 36);
 * histogram.count(new Uint8Array([16, 16, 235]));
 * const words = new Int32Array(64 * 36);
 * histogram.draw(words, 64);
 * ```
 */
export class Histogram {
  // Neighbouring pixels often have the same luma, and two stores to one counter
  // in a row are slow: so even and odd pixels have counters of their own.
  readonly #even = new Uint32Array(256);
  readonly #odd = new Uint32Array(256);
  readonly #bars: number;
  readonly #barWidth: number;
  readonly #barHeight: number;
  readonly #margin: number;
  readonly #left: number;
  readonly #bottom: number;
  readonly #heights: Int32Array;
  readonly #colours: Int32Array;

  /** Lays the panel out.
   *
   * @param width columns of the picture; a quarter of them are for the bars
   * @param height rows of the picture; a quarter of them, too */
  constructor(width: number, height: number) {
    // As many bars as fit, and a power of two, so that each covers the same number of lumas.
    let bars = 64;
    while (bars > 1 && bars > width / 4) bars /= 2;
    this.#bars = bars;
    this.#barWidth = Math.max(1, Math.floor(width / 4 / bars));
    this.#barHeight = Math.floor(height / 4);
    this.#margin = Math.floor(Math.min(width, height) / 45);
    this.#left = 2 * this.#margin;
    this.#bottom = height - 2 * this.#margin;
    this.#heights = new Int32Array(bars);
    this.#colours = Int32Array.from({ length: bars }, (_, i) => {
      // From deep blue for low lumas to a warm white for high ones.
      const part = i / Math.max(1, bars - 1);
      return rgbWord(
        Math.floor(60 + 195 * part),
        Math.floor(120 + 115 * part),
        Math.floor(235 - 55 * part),
      );
    });
  }

  /** Forgets every count. */
  clear(): void {
    this.#even.fill(0);
    this.#odd.fill(0);
  }

  /** Counts lumas, each 0 to 255. */
  count(lumas: Uint8Array): void {
    const even = this.#even;
    const odd = this.#odd;
    const pairs = lumas.length & ~1;
    for (let i = 0; i < pairs; i += 2) {
      even[lumas[i]!]!++;
      odd[lumas[i + 1]!]!++;
    }
    if (pairs < lumas.length) even[lumas[pairs]!]!++;
  }

  /** Draws the bars into a picture's pixels, `stride` words a row. */
  draw(words: Int32Array, stride: number): void {
    this.#measure();
    const width = this.#bars * this.#barWidth;
    const top = this.#bottom - this.#barHeight;
    const margin = this.#margin;
    for (let y = top - margin; y < this.#bottom + margin; y++) {
      const row = y * stride + this.#left;
      for (let x = -margin; x < width + margin; x++) {
        words[row + x] = (words[row + x]! >> PANEL_SHIFT & PANEL_KEEP) +
          PANEL_TONE;
      }
    }
    for (let bar = 0; bar < this.#bars; bar++) {
      const left = this.#left + bar * this.#barWidth;
      // Wide bars have a gap between them.
      const right = left + this.#barWidth - (this.#barWidth > 2 ? 1 : 0);
      for (let y = this.#bottom - this.#heights[bar]!; y < this.#bottom; y++) {
        words.fill(this.#colours[bar]!, y * stride + left, y * stride + right);
      }
    }
    if (margin > 0) {
      const axis = this.#bottom * stride + this.#left;
      words.fill(AXIS, axis, axis + width);
    }
  }

  /** Sets each bar's height by the square root of its count, so that one frequent luma does not hide the others. */
  #measure(): void {
    const lumas = 256 / this.#bars;
    let most = 1;
    for (let bar = 0; bar < this.#bars; bar++) {
      let count = 0;
      for (let i = 0; i < lumas; i++) {
        const luma = bar * lumas + i;
        count += this.#even[luma]! + this.#odd[luma]!;
      }
      this.#heights[bar] = count;
      most = Math.max(most, count);
    }
    for (let bar = 0; bar < this.#bars; bar++) {
      this.#heights[bar] = Math.floor(
        this.#barHeight * Math.sqrt(this.#heights[bar]! / most),
      );
    }
  }
}
