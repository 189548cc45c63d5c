/**
 * The clock. It is passed in, so that a test can let time pass as it likes.
 *
 * @module
 */

/** A scheduled callback. */
export interface Timer {
  /** Cancels the callback. Does nothing if it has been called. */
  cancel(): void;
  /** Lets the process end before the callback. */
  unref(): void;
}

/** A clock with timers. */
export interface TimerClock {
  /** Returns milliseconds since an arbitrary moment; never decreases. */
  now(): number;
  /** Calls `callback` once, after `ms` milliseconds. */
  after(ms: number, callback: () => void): Timer;
}

/** The clock of this process. */
export const systemClock: TimerClock = {
  now: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return {
      cancel: () => clearTimeout(timer),
      unref: () => Deno.unrefTimer(timer as unknown as number),
    };
  },
};

/**
 * As `systemClock.after`, but without `setTimeout`, for which Deno loads modules of
 * Node's, in more than 10 ms of processor time. {@link Timer.unref} does nothing,
 * and after {@link Timer.cancel} its memory stays until its time.
 */
export function afterUnloaded(ms: number, callback: () => void): Timer {
  const signal = AbortSignal.timeout(ms);
  signal.addEventListener("abort", callback, { once: true });
  return {
    cancel: () => signal.removeEventListener("abort", callback),
    unref: () => {},
  };
}

/** Resolves after `ms` milliseconds, or when `signal` aborts. */
export function pause(
  clock: TimerClock,
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
