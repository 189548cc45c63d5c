/**
 * How long frames took lately, from their sending to their release by the
 * other side.
 *
 * @module
 */

/** Measurements that are kept: the newest. */
const WINDOW = 1_024;

/** The latency of recent frames, in microseconds; 0 where none was measured. */
export interface Latency {
  /** Half of them took no longer. */
  readonly p50_us: number;
  /** 99 of 100 took no longer. */
  readonly p99_us: number;
}

/**
 * The newest measurements. To record one costs a store; they are sorted when
 * somebody asks.
 */
export class LatencyWindow {
  readonly #ring: Float64Array;
  #count = 0;

  /** @param size how many are kept */
  constructor(size: number = WINDOW) {
    this.#ring = new Float64Array(size);
  }

  /** One more frame has come back, after so many milliseconds. */
  record(ms: number): void {
    this.#ring[this.#count++ % this.#ring.length] = ms;
  }

  /** What they say together, by nearest rank. */
  get latency(): Latency {
    const kept = Math.min(this.#count, this.#ring.length);
    const sorted = this.#ring.slice(0, kept).sort();
    const rank = (share: number): number =>
      (sorted[Math.ceil(share * kept) - 1] ?? 0) * 1_000;
    return { p50_us: rank(0.5), p99_us: rank(0.99) };
  }
}
