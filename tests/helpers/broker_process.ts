/**
 * A broker in its own process, started from any command line.
 */

import {
  killTree,
  linesOf,
  onlyVariables,
  sendSignal,
  statusOf,
} from "./child.ts";
import { soon } from "./soon.ts";

/** How it is started. */
export interface BrokerCommand {
  /** Program and arguments. */
  readonly argv: readonly string[];
  /** Its environment, as of {@link onlyVariables}. */
  readonly environment: Readonly<Record<string, string>>;
  /** Its working directory. Default: `/`, as under a service manager. */
  readonly cwd?: string;
}

/** A broker that has reported that it is ready. It ends with its scope. */
export class BrokerProcess implements AsyncDisposable {
  /** The report. */
  readonly ready: string;
  readonly #child: Deno.ChildProcess;
  readonly #lines: AsyncGenerator<string, void>;
  readonly #stderr: Promise<string>;

  /** Starts a broker. If it ends before it is ready, throws with its output. */
  static async start(command: BrokerCommand): Promise<BrokerProcess> {
    const [program = "", ...args] = command.argv;
    const child = new Deno.Command(program, {
      args,
      cwd: command.cwd ?? "/",
      ...onlyVariables({ ...command.environment, NO_COLOR: "1" }),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const lines = linesOf(child.stdout);
    const stderr = new Response(child.stderr).text();
    try {
      const first = await soon(lines.next(), "the broker's line");
      if (!first.done) {
        return new BrokerProcess(first.value, child, lines, stderr);
      }
    } catch (error) {
      await killTree(child.pid);
      throw error;
    }
    throw new Error(`The broker did not start: ${await lastWords(stderr)}`);
  }

  private constructor(
    ready: string,
    child: Deno.ChildProcess,
    lines: AsyncGenerator<string, void>,
    stderr: Promise<string>,
  ) {
    this.ready = ready;
    this.#child = child;
    this.#lines = lines;
    this.#stderr = stderr;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The next line of its standard output. */
  async line(): Promise<string> {
    const { done, value } = await soon(this.#lines.next(), "a line");
    if (!done) return value;
    throw new Error(`The broker ended: ${await lastWords(this.#stderr)}`);
  }

  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /** Ends it with SIGTERM. Returns its exit code and all that it wrote to its standard error. */
  async end(): Promise<{ code: number; stderr: string }> {
    sendSignal(this.#child, "SIGTERM");
    const { code } = await statusOf(this.#child, "the broker's end");
    await soon(this.#lines.return(), "the end of its standard output");
    return { code, stderr: await lastWords(this.#stderr) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

function lastWords(stderr: Promise<string>): Promise<string> {
  return soon(stderr, "the end of the broker's standard error");
}
