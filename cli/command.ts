/**
 * A command is one object. Its arguments, its help, its shell completion and its
 * part of docs/cli.md are derived from it.
 *
 * A new command is a file in `commands/` that exports a {@link Command}, and a
 * line in `commands.ts`.
 *
 * @module
 */

import type { Arguments, Operand, Option } from "./option.ts";
import type { Console, Right } from "./terminal/console.ts";

/** What `--json` writes. Fields may be added, but are never changed or removed. */
export interface JsonShape {
  /** The form of the output, such as "an array of objects". */
  readonly form: string;
  /** The meaning of each field, by its name. */
  readonly fields: Readonly<Record<string, string>>;
}

/** One run of a command. */
export interface Invocation {
  readonly args: Arguments;
  readonly console: Console;
  /** All commands, including this one. */
  readonly commands: readonly Command[];
}

/** One command. */
export interface Command {
  /** The words of the command, such as `broker`, `status`. */
  readonly path: readonly string[];
  /** What the command does, in one sentence. */
  readonly summary: string;
  /** More about the command, one text for each paragraph. */
  readonly details?: readonly string[];
  readonly operands?: readonly Operand[];
  /** The options. `--help` is not listed: every command has it. */
  readonly options: readonly Option<unknown>[];
  /** Set if all arguments, including `--help`, are passed to another program. The command then has operands only. */
  readonly passesOn?: true;
  /** Set if the first operand ends the options: all that follows it, or `--`, are operands as they are. No option of the command has a value then. */
  readonly endsOptions?: true;
  readonly json?: JsonShape;
  /** The rights that the command needs. It loses all other {@link Right}s before it runs. */
  readonly needs?: readonly Right[];
  /** Command lines, without the leading `streamlib`. */
  readonly examples: readonly string[];
  /** Runs the command. Returns an exit code of `EXIT`, or that of the program that it has run. Throws CommandError or BridgeError, which {@link exitCodeOf} turns into an exit code. */
  run(invocation: Invocation): Promise<number>;
}

/** The name of the program. */
export const PROGRAM = "streamlib";

/** A command as it is typed, without arguments. */
export function lineOf(path: readonly string[]): string {
  return [PROGRAM, ...path].join(" ");
}
