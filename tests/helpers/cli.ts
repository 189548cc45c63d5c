/**
 * A {@link Console} in memory, for tests of the command line.
 */

import { runCommandLine } from "../../cli/cli.ts";
import type { Console, Output, Right } from "../../cli/terminal/console.ts";
import type { ProgramResult } from "../../launchd/run_program.ts";

/** An output that keeps its text. */
class TestOutput implements Output {
  text = "";
  terminal = false;
  colour = false;
  columns = Infinity;
  rows = Infinity;

  write(text: string): void {
    this.text += text;
  }

  /** Returns what was written since the last call. */
  take(): string {
    const { text } = this;
    this.text = "";
    return text;
  }
}

/** Runs during one pause of a command. If it returns true, the command is interrupted as by Ctrl-C. */
type Rest = () => Promise<boolean | void> | boolean | void;

/** A console whose clock advances only while a command pauses; a pause takes no real time. */
export class TestConsole implements Console {
  readonly out = new TestOutput();
  readonly err = new TestOutput();
  readonly env = new Map<string, string>([["HOME", "/home/ada"]]);
  readonly rests: Rest[] = [];
  #now = Date.parse("2026-01-02T03:04:05Z");
  readonly #interrupt = new AbortController();

  /** @param size the size of the terminal; without it the output is not a terminal */
  constructor(size?: { columns: number; rows?: number; colour?: boolean }) {
    if (size === undefined) return;
    const { columns, rows = 40, colour = false } = size;
    Object.assign(this.out, { columns, rows, colour, terminal: true });
  }

  now(): number {
    return this.#now;
  }

  /** Uses `now` as the clock. */
  useTime(now: () => number): void {
    this.now = now;
  }

  async pause(ms: number): Promise<void> {
    this.#now += ms;
    const rest = this.rests.shift();
    if (rest === undefined || await rest()) this.interrupt();
  }

  /** Interrupts the command, as Ctrl-C does. */
  interrupt(): void {
    this.#interrupt.abort();
  }

  interruptible(): { signal: AbortSignal } & Disposable {
    return { signal: this.#interrupt.signal, [Symbol.dispose]: () => {} };
  }

  connect: Console["connect"] = () => {
    throw new Error("the broker was asked for");
  };

  connectTree: Console["connectTree"] = () => {
    throw new Error("the bootstrap's broker was asked for");
  };

  bootstrapFault: Console["bootstrapFault"] = () => Promise.resolve(undefined);

  runTree: Console["runTree"] = () => {
    throw new Error("a program was to be run");
  };

  /** The rights that the command gave up. */
  readonly givenUp: Right[] = [];

  giveUp(rights: readonly Right[]): void {
    this.givenUp.push(...rights);
  }

  userId(): number {
    return 1000;
  }

  readonly userRuntime = undefined;

  /** The result of each program, by its name. Other programs do not exist. */
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

  /** Lets commands connect to a broker. Loads gRPC. */
  async connectable(address: string): Promise<this> {
    const { PatientClient } = await import("./patient_client.ts");
    this.connect = (where) => Promise.resolve(new PatientClient(where));
    this.env.set("STREAMLIB_BROKER_ENDPOINT", address);
    return this;
  }

  /** Runs a command line. Its words are separated by blanks. */
  run(line: string): Promise<number> {
    return runCommandLine(line.split(" ").filter((word) => word !== ""), this);
  }

  /** Runs a command line. Returns the line, the output, the messages (marked with `!`) and the exit code. */
  async transcript(line: string): Promise<string> {
    const code = await this.run(line);
    const words = this.err.take().replace(/^(?=.)/gm, "! ");
    return `$ streamlib ${line}\n${this.out.take()}${words}[${code}]\n`;
  }
}
