/**
 * A wait that a signal can abort.
 *
 * @module
 */

import { BridgeError } from "../proto/errors.ts";

/**
 * Waits for `promise`, but rejects with `aborted` as soon as `signal` aborts.
 * For the promises of this library that are properties, such as the `ready` of
 * a host or a sender. Only the wait ends; what `promise` stands for goes on.
 *
 * ```ts
 * import { abortable } from "@streamlib/bridge";
 *
 * const never = new Promise<void>(() => {});
 * const error = await abortable(never, AbortSignal.timeout(1)).catch((e) => e);
 * console.log(error.code); // "aborted"
 * ```
 *
 * @throws {BridgeError} `aborted` if the signal aborts, with its reason as the cause; what `promise` rejects with
 */
export async function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const called = Promise.withResolvers<never>();
  const abort = (): void =>
    called.reject(
      new BridgeError("aborted", "The wait was aborted by its signal", {
        cause: signal.reason,
      }),
    );
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([called.promise, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
