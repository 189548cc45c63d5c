/**
 * Samples of ten bits as the pixel formats have them.
 *
 * @module
 */

import type { PlaneLayout } from "./y4m.ts";

/** The bits by which a sample of ten is moved up, to the highest of 16. */
const SHIFT = 6;

/**
 * Converts frames of one layout with ten bits a sample to `p010`, or to `gray16`
 * if there is luma alone: each in the highest bits, Cb and Cr in turn.
 *
 * ```ts
 * import { HighBits } from "./high_bits.ts";
 * import { planeLayout } from "./y4m.ts";
 *
 * const bits = new HighBits(planeLayout(1, 1, "420", 10));
 * console.assert(bits.of(new Uint16Array([1, 2, 3])).join() === "64,128,192");
 * ```
 */
export class HighBits {
  readonly #luma: number;
  readonly #samples: Uint16Array<ArrayBuffer>;

  /** @param layout the planes of every frame that will come */
  constructor({ width, height, frameBytes }: PlaneLayout) {
    this.#luma = width * height;
    this.#samples = new Uint16Array(frameBytes / 2);
  }

  /** Borrows the samples of `frame`, valid until the next call. */
  of(frame: ArrayLike<number>): Uint16Array<ArrayBuffer> {
    const samples = this.#samples;
    const luma = this.#luma;
    for (let i = 0; i < luma; i++) samples[i] = frame[i]! << SHIFT;
    const half = (samples.length - luma) / 2;
    for (let i = 0; i < half; i++) {
      samples[luma + 2 * i] = frame[luma + i]! << SHIFT;
      samples[luma + 2 * i + 1] = frame[luma + half + i]! << SHIFT;
    }
    return samples;
  }
}
