/**
 * The error of this library: a class with a stable `code`, a message that says
 * what was tried, what was found and what to do.
 *
 * @module
 */

/** Every code that a {@link BridgeError} can carry. Stable: programs may match on it. */
export type ErrorCode =
  | "aborted"
  | "bad_argument"
  | "broker_lost"
  | "broker_unreachable"
  | "channel_lost"
  | "client_failed"
  | "closed"
  | "connection_failed"
  | "handshake_failed"
  | "library_not_found"
  | "malformed_message"
  | "name_in_use"
  | "native_failure"
  | "not_permitted"
  | "schema_mismatch"
  | "timed_out"
  | "version_mismatch";

/** The same as values; a code that is missing does not compile. */
const CODES: Readonly<Record<ErrorCode, true>> = {
  aborted: true,
  bad_argument: true,
  broker_lost: true,
  broker_unreachable: true,
  channel_lost: true,
  client_failed: true,
  closed: true,
  connection_failed: true,
  handshake_failed: true,
  library_not_found: true,
  malformed_message: true,
  name_in_use: true,
  native_failure: true,
  not_permitted: true,
  schema_mismatch: true,
  timed_out: true,
  version_mismatch: true,
};

/** Whether `text` is one of them. */
export function isErrorCode(text: string | undefined): text is ErrorCode {
  return text !== undefined && Object.hasOwn(CODES, text);
}

/**
 * An expected failure, told in full.
 *
 * ```ts
 * import { BridgeError } from "@streamlib/bridge";
 *
 * const error = new BridgeError("bad_argument", "Cannot open a port: 'vidoe' is not one of video");
 * console.log(error.code); // "bad_argument"
 * ```
 */
export class BridgeError extends Error {
  /** Always "BridgeError". */
  override name = "BridgeError";

  /** An error that is complete.
   *
   * @param code the stable name of the failure
   * @param message what was tried, what was found, what to do
   * @param options the underlying `cause`, where there is one */
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Any thrown thing as one line of text, without its stack. */
export function describeError(error: unknown): string {
  if (error instanceof Error) return `${error.name}: ${error.message}`;
  return String(error);
}
