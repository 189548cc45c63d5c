/**
 * The error class of this library. Each error has a stable `code`, and a message
 * that says what was tried, what was found and what to do.
 *
 * @module
 */

/** The codes of {@link BridgeError}. They are stable: programs may compare them. */
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
  | "outbox_full"
  | "schema_mismatch"
  | "timed_out"
  | "version_mismatch";

/** The codes as values. A missing one does not compile. */
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
  outbox_full: true,
  schema_mismatch: true,
  timed_out: true,
  version_mismatch: true,
};

/** Whether `text` is an error code. */
export function isErrorCode(text: string | undefined): text is ErrorCode {
  return text !== undefined && Object.hasOwn(CODES, text);
}

/**
 * A failure with a code and a complete message.
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

  /** Makes an error.
   *
   * @param code the stable name of the failure
   * @param message what was tried, what was found, what to do
   * @param options the underlying `cause`, if there is one */
  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Returns the first error. A `SuppressedError` holds two: the error of
 * a scope, and the error of the disposal that followed, which as a rule is a
 * consequence. Its own message names neither.
 */
export function firstError(error: unknown): unknown {
  return error instanceof SuppressedError
    ? firstError(error.suppressed)
    : error;
}

/** Returns name and message of an error, without its stack; of both errors if it is a `SuppressedError`, the first one first. */
export function describeError(error: unknown): string {
  if (error instanceof SuppressedError) {
    return both(error, describeError, "; then");
  }
  if (error instanceof Error) return `${error.name}: ${error.message}`;
  return String(error);
}

/** Returns the message of a `BridgeError`, and the stack of any other error; of both errors if it is a `SuppressedError`. */
export function failureReason(error: unknown): string {
  if (error instanceof SuppressedError) return both(error, failureReason);
  if (error instanceof BridgeError) return error.message;
  return stackOf(error) ?? String(error);
}

/** Returns the stack of an error, both stacks of a `SuppressedError`; `undefined` if `error` is not an `Error`. */
export function stackOf(error: unknown): string | undefined {
  if (error instanceof SuppressedError) {
    return both(error, (one) => stackOf(one) ?? String(one));
  }
  return error instanceof Error ? error.stack ?? error.message : undefined;
}

function both(
  { suppressed, error }: SuppressedError,
  describe: (error: unknown) => string,
  then = "\nThen",
): string {
  return `${describe(suppressed)}${then} a disposal failed too: ${
    describe(error)
  }`;
}
