/**
 * The clock of hosts and clients in these tests: the test decides when a limit
 * passes, not the speed of the machine.
 */

import { systemClock, type Timer, type TimerClock } from "../../ffi/clock.ts";

/** A timer of at least this length is a limit; the shortest limits are those for the last report and for an exit. Shorter timers are pauses. */
const SHORTEST_LIMIT_MS = 500;
/** Longer than any test. */
const FAR_MS = 2 ** 31 - 1;

interface Limit {
  readonly at: number;
  readonly callback: () => void;
  /** Keeps the process alive, as a timer does. */
  readonly holding: Timer;
}

/** A clock on which pauses end by themselves, and limits pass when {@link pass} says so. */
export class LimitClock implements TimerClock {
  #passedMs = 0;
  readonly #limits = new Set<Limit>();

  now(): number {
    return systemClock.now() + this.#passedMs;
  }

  after(ms: number, callback: () => void): Timer {
    if (ms < SHORTEST_LIMIT_MS) return systemClock.after(ms, callback);
    const holding = systemClock.after(FAR_MS, () => {});
    const limit = { at: this.now() + ms, callback, holding };
    this.#limits.add(limit);
    return {
      cancel: () => this.#drop(limit),
      unref: () => holding.unref(),
    };
  }

  /** Lets time pass at once: limits that have passed then fire, the earliest first. */
  pass(ms: number): void {
    this.#passedMs += ms;
    const now = this.now();
    const over = [...this.#limits].filter(({ at }) => at <= now)
      .sort((one, other) => one.at - other.at);
    for (const limit of over) {
      if (!this.#limits.has(limit)) continue; // an earlier one has cancelled it
      this.#drop(limit);
      limit.callback();
    }
  }

  #drop(limit: Limit): void {
    this.#limits.delete(limit);
    limit.holding.cancel();
  }
}
