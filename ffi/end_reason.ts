/**
 * Why a connection has ended, for its owner.
 *
 * @module
 */

import type { ErrorCode } from "../proto/errors.ts";

/** Why a connection has ended, if one of the sides has said it. */
export interface KnownEnd {
  readonly code: ErrorCode;
  readonly reason: string;
}

/**
 * Returns why the connection to `peer`, a noun, has ended; `undefined` if the
 * other side has ended it, or has died, without a reason. The parameters are
 * those of `ConnectionEvents.ended`.
 *
 * The code is `malformed_message` if a side has refused what the other sent,
 * `outbox_full` if a side does not read, `native_failure` if this process lacks a
 * resource, `channel_lost` if the other one does.
 */
export function knownEnd(
  peer: string,
  reason: string,
  code: ErrorCode,
  told: boolean,
): KnownEnd | undefined {
  if (code === "channel_lost") return undefined;
  return {
    code: told && code === "native_failure" ? "channel_lost" : code,
    reason: `the channel to ${peer} ended: ${reason}`,
  };
}
