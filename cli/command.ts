/**
 * What a command is: one object that says all about it. Its arguments, its
 * help, its completion and its part of the documentation are read from there.
 *
 * A new command is a file in `commands/` that exports one, and a line in
 * `commands.ts`.
 *
 * @module
 */

import type { Arguments, Operand, Option } from "./option.ts";
import type { Console, Right } from "./terminal/console.ts";
import type { ExitCode } from "./exit.ts";

/** What `--json` writes. Fields are added at times, and never changed or removed. */
export interface JsonShape {
  /** How many, and in what. */
  readonly form: string;
  /** What each field is, by its name. */
  readonly fields: Readonly<Record<string, string>>;
}

/** A command that runs now. */
export interface Invocation {
  readonly args: Arguments;
  readonly console: Console;
  /** Every command, this one included. */
  readonly commands: readonly Command[];
}

/** One command. */
export interface Command {
  /** The words that name it. */
  readonly path: readonly string[];
  /** What it does, in one sentence. */
  readonly summary: string;
  /** What else is to be known, a paragraph each. */
  readonly details?: readonly string[];
  readonly operands?: readonly Operand[];
  /** Its options; every command has `--help` besides. */
  readonly options: readonly Option<unknown>[];
  /** Whether all that follows its words goes to another program as it is, `--help` too: then it has operands alone. */
  readonly passesOn?: true;
  readonly json?: JsonShape;
  /** What it may do besides reading, and reaching the broker; it has given up the rest before it runs. */
  readonly needs?: readonly Right[];
  /** Command lines, without `streamlib` before them. */
  readonly examples: readonly string[];
  /** Does it. Throws CommandError or BridgeError, which {@link exitCodeOf} makes a code. */
  run(invocation: Invocation): Promise<ExitCode>;
}

/** What the program is called. */
export const PROGRAM = "streamlib";

/** A command's words, as they are typed. */
export function lineOf(path: readonly string[]): string {
  return [PROGRAM, ...path].join(" ");
}
