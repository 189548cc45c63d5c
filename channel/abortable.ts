/**
 * A wait that can be called off.
 *
 * @module
 */

import { BridgeError } from "../proto/errors.ts";

/**
 * As `promise`, or `aborted` as soon as `signal` says so: for every promise of
 * this library that is a property, such as a host's and a sender's `ready`.
 * What is waited for goes on.
 *
 * ```ts
 * import { abortable } from "@streamlib/bridge";
 *
 * const never = new Promise<void>(() => {});
 * const error = await abortable(never, AbortSignal.timeout(1)).catch((e) => e);
 * console.log(error.code); // "aborted"
 * ```
 *
 * @throws {BridgeError} `aborted`, with the signal's reason as its cause; what `promise` rejects with
 */
export async function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const called = Promise.withResolvers<never>();
  const abort = (): void =>
    called.reject(
      new BridgeError("aborted", "The wait was called off", {
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
