/**
 * The time of a simulated machine. It moves only when the test moves it, and no
 * timer fires by itself: the test calls the timers that are due.
 */

import type { Timer, TimerClock } from "../../../ffi/clock.ts";

interface Entry {
  readonly owner: object;
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
  counts: boolean;
}

/** Virtual milliseconds, and the timers of all processes. */
export class Timeline {
  #now = 0;
  #next = 0;
  readonly #timers = new Set<Entry>();

  /** Milliseconds since the machine was made. */
  get now(): number {
    return this.#now;
  }

  /** Returns a clock whose timers belong to `owner`. */
  clock(owner: object): TimerClock {
    return {
      now: () => this.#now,
      after: (ms, callback) => this.#set(owner, ms, callback),
    };
  }

  #set(owner: object, ms: number, callback: () => void): Timer {
    const entry: Entry = {
      owner,
      at: this.#now + Math.max(0, ms),
      order: this.#next++,
      callback,
      counts: true,
    };
    this.#timers.add(entry);
    return {
      cancel: () => void this.#timers.delete(entry),
      unref: () => void (entry.counts = false),
    };
  }

  /** Drops the timers of `owner`. */
  forget(owner: object): void {
    for (const timer of this.#timers) {
      if (timer.owner === owner) this.#timers.delete(timer);
    }
  }

  /** Returns the number of timers that keep `owner` alive. */
  pending(owner: object): number {
    return [...this.#timers].filter((timer) =>
      timer.owner === owner && timer.counts
    ).length;
  }

  /** Returns the first due timer of `owner`, as a function that fires it; `undefined` if none is due. */
  due(owner: object): (() => void) | undefined {
    const timer = this.#first((one) =>
      one.owner === owner && one.at <= this.#now
    );
    return timer && (() => {
      this.#timers.delete(timer);
      timer.callback();
    });
  }

  /** The time of the next timer; `undefined` if there is none. */
  get nextAt(): number | undefined {
    return this.#first(() => true)?.at;
  }

  /** Moves the time forward to `at`. */
  moveTo(at: number): void {
    this.#now = Math.max(this.#now, at);
  }

  #first(wanted: (timer: Entry) => boolean): Entry | undefined {
    let first: Entry | undefined;
    for (const timer of this.#timers) {
      if (!wanted(timer)) continue;
      if (
        !first || timer.at < first.at ||
        timer.at === first.at && timer.order < first.order
      ) first = timer;
    }
    return first;
  }
}
