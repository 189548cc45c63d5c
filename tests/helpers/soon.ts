/**
 * Waiting in tests. A test waits for an event, and each wait has a deadline.
 * The deadline is no part of what is tested: it only keeps a run from hanging.
 */

/**
 * How long a test waits for an event, in milliseconds. What is waited for
 * takes a few seconds at most, and a minute on a machine ten times slower.
 */
export const PATIENCE_MS = 120_000;

/** Between two looks of {@link until}, in milliseconds. */
const LOOK_MS = 10;

/** The value of `promise`. Throws with `what` when it takes longer than `ms`. */
export async function soon<T>(
  promise: PromiseLike<T>,
  what: string,
  ms = PATIENCE_MS,
): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`${what}: not within ${ms} ms`)),
    ms,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Returns when `holds` does. Throws with `what`, and with what `found` returns,
 * when it does not within {@link PATIENCE_MS}.
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  found: () => string = () => "",
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!await soon(Promise.resolve(holds()), what)) {
    if (performance.now() > deadline) {
      throw new Error(`${what}: not within ${PATIENCE_MS} ms ${found()}`);
    }
    await lapse(LOOK_MS);
  }
}

/**
 * Lets time pass. For the time in which something must not happen: on a slow
 * machine such a test shows less, but it does not fail.
 */
export function lapse(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
