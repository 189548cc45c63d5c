/**
 * What the command line has of the machine that it runs on. Handed in, so that
 * a test can be a terminal of any size, and its clock.
 *
 * @module
 */

import type {
  ProgramOptions,
  ProgramResult,
} from "../../launchd/run_program.ts";
import type { EnvironmentSource } from "../../proto/environment.ts";
import type { GrpcClient } from "../../broker/grpc/grpc_client.ts";
import { escapeControls } from "../../proto/escape.ts";

/** A stream that text is written to. */
export interface Output {
  /** Writes text as it is. Throws {@link OutputClosed} where nobody reads any more. */
  write(text: string): void;
  /** Whether it is a terminal, so that what was written can be written over. */
  readonly terminal: boolean;
  /** Whether colours are welcome. */
  readonly colour: boolean;
  /** Cells beside each other now; Infinity where it is no terminal. */
  readonly columns: number;
  /** Lines on top of each other now; Infinity where it is no terminal. */
  readonly rows: number;
}

/**
 * What few commands need, so that the others give it up before they run: `run`
 * is to start programs, `sys` to learn the user's number.
 */
export type Right = "run" | "sys";

/** Every {@link Right}. */
export const RIGHTS: readonly Right[] = ["run", "sys"];

/** The machine, for as long as a command runs. */
export interface Console {
  /** For what was asked for: tables and JSON. */
  readonly out: Output;
  /** For words about it. */
  readonly err: Output;
  readonly env: EnvironmentSource;
  /** Epoch milliseconds. */
  now(): number;
  /** Resolves after `ms`, or when `signal` aborts. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
  /** From now until it is disposed, Ctrl-C aborts the signal instead of ending the process. */
  interruptible(): Interruptible;
  /** Connects to a broker's control plane, with the first call. */
  connect(address: string): Promise<GrpcClient>;
  /** Gives rights up, for good. */
  giveUp(rights: readonly Right[]): void;
  /** The number of the user that this runs as; needs `sys`. */
  userId(): number;
  /** Runs a program to its end; `undefined` where there is no such program. Needs `run`. */
  runProgram(
    program: string,
    args: readonly string[],
    options?: ProgramOptions,
  ): Promise<ProgramResult | undefined>;
}

/** Ctrl-C, as a signal. */
export interface Interruptible extends Disposable {
  readonly signal: AbortSignal;
}

/** Whoever read the output has gone, as `head` does when it has enough. */
export class OutputClosed extends Error {
  override name = "OutputClosed";
}

/** Lines for people. */
export function writeLines(output: Output, lines: readonly string[]): void {
  if (lines.length > 0) output.write(lines.join("\n") + "\n");
}

/** One line of words for people; what acts on a terminal is escaped. */
export function say(output: Output, words: string): void {
  output.write(`${escapeControls(words)}\n`);
}

/** A value for programs, in lines that people can read as well. */
export function writeJson(output: Output, value: unknown): void {
  const lines = JSON.stringify(value, null, 2).split("\n");
  writeLines(output, lines.map(escapeControls));
}

/** A value for programs in one line, where more will follow. */
export function writeJsonLine(output: Output, value: unknown): void {
  writeLines(output, [escapeControls(JSON.stringify(value))]);
}
