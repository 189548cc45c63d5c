/**
 * The command line's access to the machine: terminal, clock, environment and
 * programs. It is passed in, so that a test can replace it.
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
import type { ControlClient } from "../../proto/wire/control.ts";

/** A stream for text. */
export interface Output {
  /** Writes text unchanged. Standard output throws {@link OutputClosed} if the reader has closed it, and `native_failure` if it cannot be written; standard error loses the text then. */
  write(text: string): void;
  /** Whether the stream is a terminal. */
  readonly terminal: boolean;
  /** Whether to use colours. */
  readonly colour: boolean;
  /** The current width in cells; Infinity if it is not a terminal. */
  readonly columns: number;
  /** The current height in lines; Infinity if it is not a terminal. */
  readonly rows: number;
}

/**
 * A right that not every command needs; the others give it up before they run.
 * `run`: to start programs. `sys`: to read the user's id. `ffi`: to load the shim,
 * without which a bootstrap can neither be made nor reached.
 */
export type Right = "run" | "sys" | "ffi";

/** Every {@link Right}. */
export const RIGHTS: readonly Right[] = ["run", "sys", "ffi"];

/** A client of the broker that the bootstrap of this process knows. */
export interface TreeClient extends ControlClient {
  /** The name of the broker's service. */
  readonly service: string;
  /** Why the bootstrap cannot be reached, with the program that has lost the channel; `undefined` if it can. */
  loss(): string | undefined;
}

/** A program, and the bootstrap in which it is run. */
export interface TreeOptions {
  readonly program: string;
  readonly args: readonly string[];
  /** The name of the broker's service; `undefined`: no broker. */
  readonly service: string | undefined;
  /** A name that the bootstrap does not know is looked for nowhere else. */
  readonly isolated: boolean;
  /** Writes a line to stderr for each event of the bootstrap. */
  readonly verbose: boolean;
  /** Called when the program runs: no right is needed any more. */
  readonly started: () => void;
}

/** A program cannot be started. */
export class NotStarted extends Error {
  override name = "NotStarted";
  /** Whether there is no such program. */
  readonly isMissing: boolean;

  /** @param cause what `Deno.Command` has thrown */
  constructor(cause: Error) {
    super(cause.message, { cause });
    this.isMissing = cause instanceof Deno.errors.NotFound;
  }
}

/** The machine on which a command runs. */
export interface Console {
  /** Standard output: tables and JSON. */
  readonly out: Output;
  /** Standard error: messages. */
  readonly err: Output;
  readonly env: EnvironmentSource;
  /** The time in epoch milliseconds. */
  now(): number;
  /** Resolves after `ms`, or when `signal` aborts. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
  /** Until the result is disposed, Ctrl-C aborts its signal instead of ending the process. */
  interruptible(): Interruptible;
  /** Returns a client for a broker's control plane. It connects with its first call; the caller disposes it. */
  connect(address: string): Promise<GrpcClient>;
  /** Returns a client for the broker that the bootstrap of this process knows under this name; the caller disposes it. Needs `ffi`. */
  connectTree(service: string): Promise<TreeClient>;
  /** Why no bootstrap can be made on this system; `undefined` if one can. Needs `ffi`. */
  bootstrapFault(): Promise<string | undefined>;
  /**
   * Runs a program to its end, in a bootstrap that ends with it. Signals to this
   * process are sent to the program. Returns its exit code; 128 plus the signal's
   * number if a signal ended it. Needs `run` and `ffi`.
   *
   * @throws {NotStarted}
   * @throws {BridgeError} if there can be no bootstrap, or no broker in it
   */
  runTree(options: TreeOptions): Promise<number>;
  /** Gives up rights. They cannot be regained. */
  giveUp(rights: readonly Right[]): void;
  /** The id of the user that this process runs as. Needs `sys`. */
  userId(): number;
  /** The user's own directory for sockets, which a systemd login makes; `undefined` if there is none. Found at the start, before rights are given up. */
  readonly userRuntime: string | undefined;
  /** Runs a program to its end; `undefined` if there is no such program. Needs `run`. */
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

/** The reader has closed the output, as `head` does when it has read enough. */
export class OutputClosed extends Error {
  override name = "OutputClosed";
}

/** Writes lines of text. */
export function writeLines(output: Output, lines: readonly string[]): void {
  if (lines.length > 0) output.write(lines.join("\n") + "\n");
}

/** Writes a message. Control characters are escaped. */
export function say(output: Output, words: string): void {
  output.write(`${escapeControls(words)}\n`);
}

/** Writes a value as indented JSON. */
export function writeJson(output: Output, value: unknown): void {
  const lines = JSON.stringify(value, null, 2).split("\n");
  writeLines(output, lines.map(escapeControls));
}

/** Writes a value as one line of JSON. */
export function writeJsonLine(output: Output, value: unknown): void {
  writeLines(output, [escapeControls(JSON.stringify(value))]);
}
