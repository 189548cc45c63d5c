/**
 * A service manager for a broker of a test: it listens, and starts the broker
 * when somebody connects. See `c/tests/activator.c`.
 */

import { cc, SANITIZED, whenChanged } from "../../c/compile.ts";
import { STRICT } from "../../c/sources.ts";
import { names } from "../../proto/names.ts";
import { soon } from "./soon.ts";

const ROOT = new URL("../../", import.meta.url);
const SOURCE = "c/tests/activator.c";

/** Compiles the activator, when it changed. */
async function compileActivator(): Promise<string> {
  const flags = [...STRICT, ...SANITIZED, "-D_GNU_SOURCE"];
  return await whenChanged(
    "activator",
    [SOURCE],
    flags,
    (output) => cc([...flags, SOURCE, "-o", output]),
  );
}

/** The broker as `deno task broker` runs it, but without the task: the process that is started is the broker. */
function brokerArguments(args: readonly string[]): string[] {
  return ["run", "-q", "--no-prompt", "-P=broker", "broker/main.ts", ...args];
}

/** An activator that listens. Ending it ends its broker. */
export class Activator implements AsyncDisposable {
  /** `started PID` and `ended CODE`, in order. */
  readonly events: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #stderr: Promise<string>;
  readonly #read: Promise<void>;
  #changed = Promise.withResolvers<void>();

  /** Listens for the broker of this environment, which it runs with `args`. */
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
    await activator.until("listening", 1);
    activator.events.length = 0;
    return activator;
  }

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#stderr = new Response(child.stderr).text();
    this.#read = this.#readEvents();
  }

  async #readEvents(): Promise<void> {
    let text = "";
    for await (
      const chunk of this.#child.stdout.pipeThrough(new TextDecoderStream())
    ) {
      const lines = (text + chunk).split("\n");
      text = lines.pop()!;
      this.events.push(...lines);
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    }
  }

  /** How often this has happened: `started` or `ended`. */
  count(event: string): number {
    return this.events.filter((line) => line.startsWith(event)).length;
  }

  /** Waits until it has happened so often. */
  async until(event: string, count: number): Promise<void> {
    while (this.count(event) < count) {
      await soon(this.#changed.promise, `${event} ${count}`, 30_000);
    }
  }

  /** The process id of the broker that was started last. */
  get pid(): number {
    const last = this.events.findLast((line) => line.startsWith("started"));
    return Number(last?.split(" ")[1]);
  }

  /** The codes that the brokers so far have ended with. */
  get codes(): number[] {
    return this.events.filter((line) => line.startsWith("ended"))
      .map((line) => Number(line.split(" ")[1]));
  }

  /** Ends it; what its brokers wrote to stderr. */
  async end(): Promise<string> {
    await this.#child.stdin.close().catch(() => {});
    await soon(this.#child.status, "the activator's end", 30_000);
    await this.#read;
    return await this.#stderr;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
