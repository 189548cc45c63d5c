/**
 * The exit codes of a command, and the errors that lead to them.
 *
 * @module
 */

import { BridgeError, type ErrorCode } from "../proto/errors.ts";

/** The exit codes of `streamlib`. Stable: scripts depend on them. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  notFound: 4,
} as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The meaning of each exit code, for the help. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  done: "success; also if Ctrl-C ended a command that runs until Ctrl-C",
  failed: "failure",
  usage: "bad usage: an unknown command or option, or an invalid value",
  unreachable: "the broker cannot be reached, or does not answer in time",
  notFound: "not found: there is no such runtime, file or service",
};

/** A command failed: what, why, and what to type next. */
export class CommandError extends Error {
  override name = "CommandError";

  /** @param exit the exit code
   * @param message what was tried and what was found
   * @param next a command line that helps, shown after `Try:`
   * @param more lines that are shown between the two, such as the output of a program */
  constructor(
    readonly exit: ExitCode,
    message: string,
    readonly next: string,
    readonly more: readonly string[] = [],
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

/** The exit code for an error; `undefined` for an unexpected one. */
export function exitCodeOf(error: unknown): ExitCode | undefined {
  if (error instanceof CommandError) return error.exit;
  if (error instanceof BridgeError) return CODES[error.code] ?? EXIT.failed;
  return undefined;
}
