/**
 * Keeps the newest of many numbers.
 *
 * @module
 */

/**
 * Keeps the newest numbers, up to a limit.
 *
 * ```ts
 * import { Recent } from "./recent.ts";
 *
 * const arrivals = new Recent(3);
 * for (const ms of [0, 10, 20, 30]) arrivals.add(ms);
 * console.assert(arrivals.values.join() === "10,20,30");
 * console.assert(arrivals.perSecond(30) === 100);
 * ```
 */
export class Recent {
  readonly #limit: number;
  readonly #values: number[] = [];

  /** @param limit the number of numbers to keep */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The numbers that are kept, the oldest first. */
  get values(): readonly number[] {
    return this.newest(this.#limit);
  }

  /** Returns the last `count` numbers, or fewer if there are fewer. */
  newest(count: number): readonly number[] {
    return this.#values.slice(-Math.min(count, this.#limit));
  }

  /** Adds a number. */
  add(value: number): void {
    this.#values.push(value);
    // Old numbers are removed in blocks: a shift per number would move all others each time.
    if (this.#values.length >= 2 * this.#limit) {
      this.#values.splice(0, this.#values.length - this.#limit);
    }
  }

  /** For times in milliseconds: returns the number per second up to `now`; 0 if there are fewer than two. */
  perSecond(now: number): number {
    const times = this.values;
    if (times.length < 2) return 0;
    const span = Math.max(now, times.at(-1)!) - times[0]!;
    return span > 0 ? (times.length - 1) * 1000 / span : 0;
  }
}
