/**
 * What a client says of why it failed.
 *
 * @module
 */

import { BridgeError } from "../proto/errors.ts";

/**
 * The error that came first. A `SuppressedError` holds two: that of a scope,
 * and one of the disposal which followed; the second is a consequence, as a rule.
 */
export function firstError(error: unknown): unknown {
  return error instanceof SuppressedError
    ? firstError(error.suppressed)
    : error;
}

/**
 * The whole reason: the words of a `BridgeError`, the stack of any other
 * error. A `SuppressedError`'s own words name neither of its two errors: both
 * are told, the first one first.
 */
export function failureReason(error: unknown): string {
  if (error instanceof SuppressedError) return both(error, failureReason);
  if (error instanceof BridgeError) return error.message;
  return stackOf(error) ?? String(error);
}

/** The stack of an error, both stacks of a `SuppressedError`; `undefined` for what is no error. */
export function stackOf(error: unknown): string | undefined {
  if (error instanceof SuppressedError) {
    return both(error, (one) => stackOf(one) ?? String(one));
  }
  return error instanceof Error ? error.stack ?? error.message : undefined;
}

function both(
  { suppressed, error }: SuppressedError,
  tell: (error: unknown) => string,
): string {
  return `${tell(suppressed)}\nThen a disposal failed too: ${tell(error)}`;
}
