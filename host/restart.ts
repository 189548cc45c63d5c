/**
 * Decides whether and when a host restarts after a failure. Pure.
 *
 * @module
 */

import type { BridgeError, ErrorCode } from "../proto/errors.ts";

/** What a host does when its client or connection fails. */
export type RestartPolicy = "never" | "on-failure";

/** Which of the frames that a client had and had not released are sent again to the next one. */
export type ResendPolicy = "none" | "all" | "all-but-last-read";

/** The pause before the first restart, in milliseconds. It doubles with each restart in a row. */
export const FIRST_PAUSE_MS = 100;
/** The longest pause before a restart, in milliseconds. */
export const MAX_PAUSE_MS = 5_000;
/** The number of restarts in a row after which the host gives up. */
export const MAX_RESTARTS_IN_A_ROW = 8;
/** After a run of at least this many milliseconds, the restarts are counted from 0 again. */
export const GOOD_RUN_MS = 10_000;

/** The codes of failures that a restart cannot cure. */
const PERMANENT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "aborted",
  "bad_argument",
  "closed",
  "library_not_found",
  "not_permitted",
  "schema_mismatch",
  "version_mismatch",
]);

/** Restart after `pauseMs` milliseconds, as restart number `inARow`, or give up. */
export type RestartDecision =
  | {
    readonly restart: true;
    readonly pauseMs: number;
    readonly inARow: number;
  }
  | { readonly restart: false };

/**
 * Decides what follows one failure.
 *
 * @param inARow the number of restarts in a row before this failure
 * @param ranMs how long frames could flow, in milliseconds; 0 if they never could
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
