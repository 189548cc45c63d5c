/**
 * How a command ends: its exit codes, and the errors that carry one.
 *
 * @module
 */

import { BridgeError, type ErrorCode } from "../proto/errors.ts";

/** The exit codes of `streamlib`. Stable: scripts match on them. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  notFound: 4,
} as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What each code means, for the documentation. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: "done; also when Ctrl-C ended a command that goes on until then",
  failed: "failed",
  usage: "bad usage: an unknown command or option, or a value that cannot be",
  unreachable: "no broker can be reached, or it does not answer in time",
  notFound: "not found: no such runtime, or no such file",
};

/** A command that cannot do what it was asked: what, why, and what to type next. */
export class CommandError extends Error {
  override name = "CommandError";

  /** @param exit the code to end with
   * @param message what was tried and what was found
   * @param next a command line that helps */
  constructor(
    readonly exit: ExitCode,
    message: string,
    readonly next: string,
  ) {
    super(message);
  }
}

const CODES: Partial<Record<ErrorCode, ExitCode>> = {
  bad_argument: EXIT.usage,
  broker_lost: EXIT.unreachable,
  broker_unreachable: EXIT.unreachable,
  timed_out: EXIT.unreachable,
};

/** The code that an error ends a command with; `undefined` for one that nobody expects. */
export function exitCodeOf(error: unknown): ExitCode | undefined {
  if (error instanceof CommandError) return error.exit;
  if (error instanceof BridgeError) return CODES[error.code] ?? EXIT.failed;
  return undefined;
}
