/**
 * The shim's status codes, the `SLB_E_` of its header.
 *
 * @module
 */

import type { ErrorCode } from "../proto/errors.ts";

/** The codes that something here is decided by. */
export const STATUS = {
  handle: -1,
  argument: -2,
  system: -4,
  buffer: -5,
  again: -7,
  inUse: -8,
  permission: -9,
  absent: -10,
} as const;

const CODES: Readonly<Record<number, ErrorCode>> = {
  [STATUS.argument]: "bad_argument",
  [STATUS.inUse]: "name_in_use",
  [STATUS.permission]: "not_permitted",
};

/** What a failure with a status is called here. */
export function errorCodeOf(status: number): ErrorCode {
  return CODES[status] ?? "native_failure";
}
