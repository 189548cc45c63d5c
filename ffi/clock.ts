/**
 * Time, as whatever waits sees it. It is handed in, so that a test can let an
 * hour pass in no time, and in any order.
 *
 * @module
 */

/** A callback to come. */
export interface Timer {
  /** Calls it off. Harmless when it has been called. */
  cancel(): void;
  /** The process need not stay alive for it. */
  unref(): void;
}

/** A clock, and what it rings for. */
export interface Clock {
  /** Milliseconds since some moment; never goes backwards. */
  now(): number;
  /** Calls back once, in `ms` milliseconds. */
  after(ms: number, callback: () => void): Timer;
}

/** The time of this process. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return {
      cancel: () => clearTimeout(timer),
      unref: () => Deno.unrefTimer(timer as unknown as number),
    };
  },
};

/** Resolves after `ms`, or when `signal` aborts. */
export function pause(
  clock: Clock,
  ms: number,
  signal?: AbortSignal,
): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = clock.after(ms, done);
    signal?.addEventListener("abort", done, { once: true });
  });
}
