/**
 * The errors of what a host asks its client. `what` is the request in words, such
 * as `the call 'snapshot'`.
 *
 * @module
 */

import { BridgeError } from "../proto/errors.ts";
import type { Misfit } from "../proto/wire/misfit.ts";

/** A value does not fit what the processor declares. `doing`: what was tried. */
export function requestMisfit(doing: string, misfit: Misfit): BridgeError {
  return new BridgeError("bad_argument", `Cannot ${doing}: ${misfit.message}`);
}

/** The time limit is no time. */
export function badTimeLimit(what: string, timeoutMs: number): BridgeError {
  return new BridgeError(
    "bad_argument",
    `Cannot wait ${timeoutMs} ms for ${what}: the time must be a number from 0 to 2147483647, in milliseconds`,
  );
}

/** So many requests are not answered that no other one is sent. */
export function tooManyRequests(what: string, count: number): BridgeError {
  return new BridgeError(
    "outbox_full",
    `Cannot send ${what}: ${count} requests are not answered yet; await them first`,
  );
}

/** The time limit has passed. */
export function requestLate(
  what: string,
  timeoutMs: number,
  wasSent: boolean,
): BridgeError {
  return new BridgeError(
    "timed_out",
    `No answer to ${what} within ${timeoutMs} ms: ${
      wasSent
        ? "the client has it, and answers between two calls of `process`; use a longer `timeoutMs` for a processor that is slow"
        : "no client was ready; await `ready` after the launch, use a longer `timeoutMs`, " +
          "or see in the host's warnings why each client fails"
    }`,
  );
}

/** The caller's signal has aborted. */
export function requestAborted(
  what: string,
  signal: AbortSignal,
): BridgeError {
  return new BridgeError("aborted", `The wait for ${what} was aborted`, {
    cause: signal.reason,
  });
}

/** The client's library knows no requests. */
export function clientTooOld(): BridgeError {
  return new BridgeError(
    "version_mismatch",
    "Cannot ask the client: its library does not know settings and calls " +
      "(it has not named the feature 'requests'); update it",
  );
}

/** The client has ended with the request, or the host was closed. */
export function requestUnanswered(
  what: string,
  failure: BridgeError | undefined,
): BridgeError {
  if (!failure) {
    return new BridgeError(
      "closed",
      `The host was closed before the client had answered ${what}`,
    );
  }
  return new BridgeError(
    "channel_lost",
    `The client has ended before it answered ${what}. It may have begun it, so the host does not send it again: ${failure.message}`,
    { cause: failure },
  );
}
