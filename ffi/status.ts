/**
 * The shim's status and reason codes: `SLB_E_` and `SLB_REASON_` in its header.
 *
 * @module
 */

import type { ErrorCode } from "../proto/errors.ts";

/** The status codes that the TypeScript side uses. */
export const STATUS = {
  handle: -1,
  argument: -2,
  system: -4,
  buffer: -5,
  again: -7,
  inUse: -8,
  permission: -9,
  absent: -10,
  outbox: -11,
} as const;

const CODES: Readonly<Record<number, ErrorCode>> = {
  [STATUS.argument]: "bad_argument",
  [STATUS.inUse]: "name_in_use",
  [STATUS.permission]: "not_permitted",
  [STATUS.outbox]: "outbox_full",
};

/** Why a connection or listener is invalid: `SLB_REASON_` in the header. */
export const END_REASON = {
  unknown: 0,
  inUse: 1,
  outbox: 2,
  malformed: 3,
  exhausted: 4,
} as const;

/** Added to one of them: the other side has ended the connection, and the reason is its own. `SLB_REASON_TOLD` in the header. */
export const END_TOLD = 256;

/** A value of {@link END_REASON}. */
export type EndReason = typeof END_REASON[keyof typeof END_REASON];

const END_CODES: Readonly<Record<number, ErrorCode>> = {
  [END_REASON.unknown]: "channel_lost",
  [END_REASON.inUse]: "name_in_use",
  [END_REASON.outbox]: "outbox_full",
  [END_REASON.malformed]: "malformed_message",
};

/** Returns the error code for the end of a connection or listener: `channel_lost` if this side did not end it, or on macOS, where that is not known. */
export function endCodeOf(reason: number): ErrorCode {
  return END_CODES[reason % END_TOLD] ?? "native_failure";
}

/** Whether the other side has ended a connection and said why. */
export function isTold(reason: number): boolean {
  return reason >= END_TOLD;
}

/** Returns the error code for a status of the shim. */
export function errorCodeOf(status: number): ErrorCode {
  return CODES[status] ?? "native_failure";
}
