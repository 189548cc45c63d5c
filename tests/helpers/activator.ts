/**
 * A service manager for the broker of a test: it listens, and starts the broker
 * at the first connection. See `c/tests/activator.c`.
 */

import { cc, SANITIZED, whenChanged } from "../../tools/c/compile.ts";
import { STRICT } from "../../tools/c/sources.ts";
import { names } from "../../proto/names.ts";
import { CollectedText, kill, statusOf } from "./child.ts";
import { soon } from "./soon.ts";

const ROOT = new URL("../../", import.meta.url);
const SOURCE = "c/tests/activator.c";

/** Compiles the activator if its source has changed. */
async function compileActivator(): Promise<string> {
  const flags = [...STRICT, ...SANITIZED, "-D_GNU_SOURCE"];
  return await whenChanged(
    "activator",
    [SOURCE],
    flags,
    (output) => cc([...flags, SOURCE, "-o", output]),
  );
}

/** The command line of `deno task broker` without the task: the started process is the broker itself. */
function brokerArguments(args: readonly string[]): string[] {
  return ["run", "-q", "--no-prompt", "-P=broker", "broker/main.ts", ...args];
}

/** An activator that listens. When it ends, its broker ends too. */
export class Activator implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stdout: CollectedText;
  readonly #stderr: CollectedText;

  /** Starts an activator for the broker of this environment. It runs the broker with `args`. */
  static async start(...args: string[]): Promise<Activator> {
    const program = await compileActivator();
    const { service, xpcSocket, grpcSocket, runDirectory } = names(Deno.env);
    Deno.mkdirSync(runDirectory, { recursive: true, mode: 0o700 });
    const child = new Deno.Command(program, {
      args: [
        service,
        xpcSocket!,
        grpcSocket,
        Deno.execPath(),
        ...brokerArguments(args),
      ],
      cwd: ROOT,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const activator = new Activator(child);
    try {
      await activator.until("listening", 1);
    } catch (error) {
      await kill(child);
      throw error;
    }
    return activator;
  }

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#stdout = new CollectedText(child.stdout);
    this.#stderr = new CollectedText(child.stderr);
  }

  /** `started PID` and `ended CODE`, in order. */
  get events(): string[] {
    return this.#lines.filter((line) => line !== "listening");
  }

  get #lines(): string[] {
    return this.#stdout.text.split("\n").slice(0, -1);
  }

  /** The number of `started` or `ended` events so far. */
  count(event: string): number {
    return this.#lines.filter((line) => line.startsWith(event)).length;
  }

  /** Waits until that number is reached. */
  async until(event: string, count: number): Promise<void> {
    const happened = await this.#stdout.until(
      `${event}, ${count} times`,
      () => this.count(event) >= count,
    );
    if (happened) return;
    await soon(this.#stderr.end, "the activator's last words");
    throw new Error(`The activator has ended: ${this.#stderr.text}`);
  }

  /** The process id of the broker that was started last. */
  get pid(): number {
    const last = this.events.findLast((line) => line.startsWith("started"));
    return Number(last?.split(" ")[1]);
  }

  /** The exit codes of the brokers that have ended. */
  get codes(): number[] {
    return this.events.filter((line) => line.startsWith("ended"))
      .map((line) => Number(line.split(" ")[1]));
  }

  /** Ends the activator and its broker. Returns what its brokers wrote to stderr. */
  async end(): Promise<string> {
    await this.#child.stdin.close().catch(() => {});
    await statusOf(this.#child, "the activator's end");
    await soon(
      Promise.all([this.#stdout.end, this.#stderr.end]),
      "the activator's last words",
    );
    return this.#stderr.text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
