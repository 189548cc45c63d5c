/**
 * The error class of this library. Each error has a stable `code`, and a message
 * that says what was tried, what was found and what to do.
 *
 * @module
 */

import { fitText } from "./escape.ts";
import { MAX_ERROR_LENGTH } from "./limits.ts";

/** The codes of {@link BridgeError}. They are stable: programs may compare them. */
export type ErrorCode =
  | "aborted"
  | "bad_argument"
  | "broker_lost"
  | "broker_unreachable"
  | "channel_lost"
  | "client_failed"
  | "client_hung"
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
  client_hung: true,
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

/** All error codes. */
export const ERROR_CODES: readonly ErrorCode[] = Object.freeze(
  Object.keys(CODES) as ErrorCode[],
);

/** Whether `text` is an error code. */
export function isErrorCode(text: string | undefined): text is ErrorCode {
  return text !== undefined && Object.hasOwn(CODES, text);
}

/**
 * A failure with a code and a complete message. The message is fit to be sent and
 * printed: no colours or controls but line feeds and tabs, at most 16,384
 * characters.
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
    super(fitText(message, MAX_ERROR_LENGTH), options);
  }
}

/** Returns the code of a `BridgeError`; `undefined` for anything else. Never throws. */
export function codeOf(error: unknown): ErrorCode | undefined {
  return isError(error) && error instanceof BridgeError
    ? error.code
    : undefined;
}

/**
 * Returns the first error. A `SuppressedError` holds two: the error of
 * a scope, and the error of the disposal that followed, which as a rule is a
 * consequence. Its own message names neither.
 */
export function firstError(error: unknown): unknown {
  return isError(error) && error instanceof SuppressedError
    ? firstError(error.suppressed)
    : error;
}

/** Returns name and message of an error, without its stack; of both errors if it is a `SuppressedError`, the first one first; with those that an `AggregateError` holds. Never throws, and the text is fit to be sent. */
export function describeError(error: unknown): string {
  return fitted(() => {
    if (error instanceof SuppressedError) {
      return both(error, describeError, "; then");
    }
    const held = heldBy(error).map(describeOne).join("; ");
    return describeOne(error) + (held && ` (${held})`);
  });
}

function describeOne(error: unknown): string {
  return isError(error)
    ? `${error.name}: ${error.message}`
    : describeThrown(error);
}

/** The errors that an `AggregateError` holds, such as that of `Promise.any`, whose own message says nothing; at most {@link MAX_HELD}. */
function heldBy(error: unknown): readonly unknown[] {
  if (!isError(error) || !(error instanceof AggregateError)) return [];
  return Array.isArray(error.errors) ? error.errors.slice(0, MAX_HELD) : [];
}

/** The most errors of an `AggregateError` that are described. */
const MAX_HELD = 8;

/** Returns the message of a `BridgeError`, and the stack of any other error; of both errors if it is a `SuppressedError`. Never throws, and the text is fit to be printed. */
export function failureReason(error: unknown): string {
  return fitted(() => {
    if (error instanceof SuppressedError) return both(error, failureReason);
    if (error instanceof BridgeError) return error.message;
    return stackOf(error) ?? describeError(error);
  });
}

/** Returns the stack of an error, of those that an `AggregateError` holds, and of its causes; both stacks of a `SuppressedError`; `undefined` if `error` is not an `Error`. Never throws, and the text is fit to be sent. */
export function stackOf(error: unknown): string | undefined {
  if (!isError(error)) return undefined;
  return fitted(() => {
    if (error instanceof SuppressedError) {
      return both(error, (one) => stackOf(one) ?? describeError(one));
    }
    const stacks: string[] = [];
    let next: unknown = error;
    for (let depth = 0; isError(next) && depth < MAX_CAUSES; depth++) {
      stacks.push([
        oneStack(next),
        ...heldBy(next).map((one) =>
          isError(one) ? oneStack(one) : describeThrown(one)
        ),
      ].join("\nIt holds: "));
      next = next.cause;
    }
    return stacks.join("\nCaused by: ");
  }, () => describeError(error));
}

/** The most errors of a chain of causes that {@link stackOf} returns. */
const MAX_CAUSES = 8;

/** The stack of one error. A long message is cut by itself, so that the places after it are kept. */
function oneStack({ stack, message }: Error): string {
  if (typeof stack !== "string") return message;
  const half = MAX_ERROR_LENGTH / 2;
  const at = message.length > half ? stack.indexOf(message) : -1;
  return at < 0 ? stack : stack.slice(0, at) + fitText(message, half) +
    stack.slice(at + message.length);
}

/** `instanceof` can throw: a proxy decides what it answers. */
function isError(value: unknown): value is Error {
  try {
    return value instanceof Error;
  } catch {
    return false;
  }
}

function describeThrown(value: unknown): string {
  if (typeof value === "string") return value;
  const isObject = typeof value === "object" && value !== null;
  const text = isObject ? JSON.stringify(value) : String(value);
  return `${text} was thrown, which is not an Error`;
}

/** Returns a text that is fit to be sent. A value whose getters throw has one too. */
function fitted(
  describe: () => string,
  otherwise = () => "something was thrown that cannot be shown as text",
): string {
  try {
    return fitText(`${describe()}`, MAX_ERROR_LENGTH);
  } catch {
    return otherwise();
  }
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
