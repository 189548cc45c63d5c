/**
 * Whether a host that has failed begins again, and when. Pure.
 *
 * @module
 */

import type { BridgeError, ErrorCode } from "../proto/errors.ts";

/** What becomes of a host whose client or connection has failed. */
export type RestartPolicy = "never" | "on-failure";

/** How long the first pause is, in milliseconds; each further one in a row is twice as long. */
export const FIRST_PAUSE_MS = 100;
/** The longest pause, in milliseconds. */
export const MAX_PAUSE_MS = 5_000;
/** Restarts in a row; then the host gives up. */
export const MAX_RESTARTS_IN_A_ROW = 8;
/** A client that has run this long, in milliseconds, was no failed attempt: counting begins anew. */
export const GOOD_RUN_MS = 10_000;

/** Failures that a second attempt can only repeat. */
const PERMANENT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "aborted",
  "bad_argument",
  "closed",
  "library_not_found",
  "not_permitted",
  "schema_mismatch",
  "version_mismatch",
]);

/** What to do about a failure: begin again after a pause, as the nth restart in a row, or give up. */
export type RestartDecision =
  | {
    readonly restart: true;
    readonly pauseMs: number;
    readonly inARow: number;
  }
  | { readonly restart: false };

/**
 * Decides about one failure.
 *
 * @param inARow restarts in a row before this failure
 * @param ranMs how long frames could flow, 0 if they never could
 */
export function decideRestart(
  policy: RestartPolicy,
  failure: BridgeError,
  inARow: number,
  ranMs: number,
): RestartDecision {
  const before = ranMs >= GOOD_RUN_MS ? 0 : inARow;
  if (
    policy === "never" || PERMANENT.has(failure.code) ||
    before >= MAX_RESTARTS_IN_A_ROW
  ) {
    return { restart: false };
  }
  return {
    restart: true,
    pauseMs: Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** before),
    inARow: before + 1,
  };
}
