/**
 * The newest of many numbers, and what they say.
 *
 * @module
 */

/**
 * Keeps the newest numbers, however many come.
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

  /** @param limit how many are kept */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** All that are kept, the oldest first. */
  get values(): readonly number[] {
    return this.newest(this.#limit);
  }

  /** The last `count` of them, or as many as there are. */
  newest(count: number): readonly number[] {
    return this.#values.slice(-Math.min(count, this.#limit));
  }

  /** One more. */
  add(value: number): void {
    this.#values.push(value);
    // Seldom, and then many at once: a shift for each would move them all each time.
    if (this.#values.length >= 2 * this.#limit) {
      this.#values.splice(0, this.#values.length - this.#limit);
    }
  }

  /** Of times in milliseconds: how many there were a second, up to `now`; 0 for fewer than two. */
  perSecond(now: number): number {
    const times = this.values;
    if (times.length < 2) return 0;
    const span = Math.max(now, times.at(-1)!) - times[0]!;
    return span > 0 ? (times.length - 1) * 1000 / span : 0;
  }
}
