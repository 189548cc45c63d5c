/**
 * A machine for the command line, in memory.
 */

import { runCommandLine } from "../../cli/cli.ts";
import type { Console, Output, Right } from "../../cli/terminal/console.ts";
import type { ExitCode } from "../../cli/exit.ts";
import type { ProgramResult } from "../../launchd/run_program.ts";

/** What was written to one stream. */
export class TestOutput implements Output {
  text = "";
  terminal = false;
  colour = false;
  columns = Infinity;
  rows = Infinity;

  write(text: string): void {
    this.text += text;
  }

  /** What was written since the last time, and nothing of it is left. */
  take(): string {
    const { text } = this;
    this.text = "";
    return text;
  }
}

/** What happens in one rest of a command; true ends it, as Ctrl-C does. */
export type Rest = () => Promise<boolean | void> | boolean | void;

/** A machine whose time passes while a command rests, and in no time at all. */
export class TestConsole implements Console {
  readonly out = new TestOutput();
  readonly err = new TestOutput();
  readonly env = new Map<string, string>([["HOME", "/home/ada"]]);
  readonly rests: Rest[] = [];
  #now = Date.parse("2026-01-02T03:04:05Z");
  readonly #interrupt = new AbortController();

  /** @param size of a terminal; it is none if not said */
  constructor(size?: { columns: number; rows?: number; colour?: boolean }) {
    if (size === undefined) return;
    const { columns, rows = 40, colour = false } = size;
    Object.assign(this.out, { columns, rows, colour, terminal: true });
  }

  now(): number {
    return this.#now;
  }

  /** Its time is that of `now`. */
  useTime(now: () => number): void {
    this.now = now;
  }

  async pause(ms: number): Promise<void> {
    this.#now += ms;
    const rest = this.rests.shift();
    if (rest === undefined || await rest()) this.interrupt();
  }

  /** Ctrl-C. */
  interrupt(): void {
    this.#interrupt.abort();
  }

  interruptible(): { signal: AbortSignal } & Disposable {
    return { signal: this.#interrupt.signal, [Symbol.dispose]: () => {} };
  }

  connect: Console["connect"] = () => {
    throw new Error("the broker was asked for");
  };

  /** What it has given up. */
  readonly givenUp: Right[] = [];

  giveUp(rights: readonly Right[]): void {
    this.givenUp.push(...rights);
  }

  userId(): number {
    return 1000;
  }

  /** What answers in place of each program, by its name; the others are not there. */
  readonly programs = new Map<
    string,
    (args: readonly string[]) => ProgramResult
  >();

  runProgram(
    program: string,
    args: readonly string[],
  ): Promise<ProgramResult | undefined> {
    return Promise.resolve(this.programs.get(program)?.(args));
  }

  /** May be called where gRPC may be loaded. */
  async connectable(address: string): Promise<this> {
    const { PatientClient } = await import("./patient_client.ts");
    this.connect = (where) => Promise.resolve(new PatientClient(where));
    this.env.set("STREAMLIB_BROKER_ENDPOINT", address);
    return this;
  }

  /** Runs a command line, its words separated by blanks. */
  run(line: string): Promise<ExitCode> {
    return runCommandLine(line.split(" ").filter((word) => word !== ""), this);
  }

  /** Runs one, and tells it like a terminal: the line, what was written, and the exit code. */
  async transcript(line: string): Promise<string> {
    const code = await this.run(line);
    const words = this.err.take().replace(/^(?=.)/gm, "! ");
    return `$ streamlib ${line}\n${this.out.take()}${words}[${code}]\n`;
  }
}
