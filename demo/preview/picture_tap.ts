/**
 * Copies pictures for the browser, only when it has requested one: a browser that
 * is slow, hidden or absent costs nothing.
 *
 * @module
 */

import type { Picture } from "../filter/pixel_words.ts";

/** The part of a frame that the tap uses. */
export interface TappedFrame {
  readonly frame_number: bigint;
  readonly pixel_buffer: Picture;
}

/** A picture that was sent, and its result. */
export interface PicturePair {
  /** The pair's number, counted from 1. */
  readonly sequence: number;
  /** The frame's number. */
  readonly frame: bigint;
  readonly width: number;
  readonly height: number;
  /** RGBA without gaps: `width * height * 4` bytes of the input, then as many of the result. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Larger pictures are reduced by a whole factor. */
const MAX_WIDTH = 1280;
/** The largest number of requests that wait at a time. */
const MAX_WAITING = 16;

/** Gets every frame that is sent or comes back, and copies those that were requested. */
export class PictureTap {
  readonly #waiting = new Set<(pair: PicturePair | undefined) => void>();
  #candidate: { readonly pair: PicturePair; readonly step: number } | undefined;
  #latest: PicturePair | undefined;
  #sequence = 0;
  #ended = false;
  /** The number of pictures copied so far: two for each pair. */
  copies = 0;

  /** Whether the next frame that is sent would be copied. */
  get isWanted(): boolean {
    return this.#waiting.size > 0 && !this.#candidate;
  }

  /** Call it before a frame is sent. */
  sending(frame: TappedFrame): void {
    if (!this.isWanted) return;
    const { width, height } = frame.pixel_buffer;
    const step = Math.ceil(width / MAX_WIDTH);
    const columns = Math.ceil(width / step);
    const rows = Math.ceil(height / step);
    const pair: PicturePair = {
      sequence: ++this.#sequence,
      frame: frame.frame_number,
      width: columns,
      height: rows,
      bytes: new Uint8Array(columns * rows * 8),
    };
    this.#candidate = { pair, step };
    this.#copy(frame.pixel_buffer, pair, step, 0);
  }

  /** Call it when a frame has come back. */
  received(frame: TappedFrame): void {
    const candidate = this.#candidate;
    if (!candidate || candidate.pair.frame > frame.frame_number) return;
    this.#candidate = undefined;
    // The frame was dropped: the next one is used.
    if (candidate.pair.frame !== frame.frame_number) return;
    const { pair, step } = candidate;
    this.#copy(frame.pixel_buffer, pair, step, pair.bytes.length / 2);
    this.#latest = pair;
    this.#answer(pair);
  }

  /**
   * Returns the newest pair after the one with this number, or waits for the next
   * pair. `undefined` if the wait was aborted or the last frame has come.
   *
   * @param after 0 for any
   * @returns "busy" if too many requests wait already
   */
  async next(
    after: number,
    signal: AbortSignal,
  ): Promise<PicturePair | undefined | "busy"> {
    if (this.#latest && this.#latest.sequence > after) return this.#latest;
    if (this.#ended || signal.aborted) return undefined;
    if (this.#waiting.size >= MAX_WAITING) return "busy";
    const { promise, resolve } = Promise.withResolvers<
      PicturePair | undefined
    >();
    const give = (): void => resolve(undefined);
    this.#waiting.add(resolve);
    signal.addEventListener("abort", give);
    try {
      return await promise;
    } finally {
      this.#waiting.delete(resolve);
      signal.removeEventListener("abort", give);
    }
  }

  /** Ends it: no more frames come. */
  end(): void {
    this.#ended = true;
    this.#answer(undefined);
  }

  #answer(pair: PicturePair | undefined): void {
    for (const resolve of this.#waiting) resolve(pair);
    this.#waiting.clear();
  }

  /** Copies pixels for the browser. Between the processes no pixel is copied. */
  #copy(from: Picture, to: PicturePair, step: number, at: number): void {
    this.copies++;
    const stride = from.bytes_per_row;
    if (step === 1) {
      const row = to.width * 4;
      for (let y = 0; y < to.height; y++) {
        const start = y * stride;
        to.bytes.set(from.pixels.subarray(start, start + row), at + y * row);
      }
      return;
    }
    const { buffer, byteOffset, byteLength } = from.pixels;
    const source = new Uint32Array(buffer, byteOffset, byteLength >> 2);
    const target = new Uint32Array(to.bytes.buffer, at, to.width * to.height);
    for (let y = 0, i = 0; y < to.height; y++) {
      const row = y * step * (stride >> 2);
      for (let x = 0; x < to.width; x++) target[i++] = source[row + x * step]!;
    }
  }
}
