/**
 * The latency of recent frames: from sending to the release by the other side. Of
 * each port one frame at a time is measured.
 *
 * @module
 */

/** The number of measurements that are kept. */
const WINDOW = 1_024;

/** The latency of recent frames, in microseconds. 0 if there is no measurement. */
export interface Latency {
  /** The median. */
  readonly p50_us: number;
  /** The 99th percentile. */
  readonly p99_us: number;
}

/**
 * Keeps the newest measurements. Recording is one store; they are sorted only
 * when {@link latency} is read.
 */
export class LatencyWindow {
  readonly #ring: Float64Array;
  #count = 0;

  /** @param size the number of measurements to keep */
  constructor(size: number = WINDOW) {
    this.#ring = new Float64Array(size);
  }

  /** Adds a measurement, in milliseconds. */
  record(ms: number): void {
    this.#ring[this.#count++ % this.#ring.length] = ms;
  }

  /** The percentiles of the kept measurements, by nearest rank. */
  get latency(): Latency {
    const kept = Math.min(this.#count, this.#ring.length);
    const sorted = this.#ring.slice(0, kept).sort();
    const rank = (share: number): number =>
      (sorted[Math.ceil(share * kept) - 1] ?? 0) * 1_000;
    return { p50_us: rank(0.5), p99_us: rank(0.99) };
  }
}
