import { CollectedText, kill, statusOf } from "./child.ts";
import { soon } from "./soon.ts";

/** The command for this Deno with only the permissions that a broker needs. */
function command(path: string, descriptors: number | undefined): Deno.Command {
  const deno = [
    Deno.execPath(),
    "run",
    "--quiet",
    "--no-prompt",
    "--allow-env=GRPC_*",
    `--allow-ffi=${new URL("../../c/out", import.meta.url).pathname}`,
    new URL("../fixtures/grpc_server.ts", import.meta.url).pathname,
    `unix:${path}`,
  ];
  const limit = descriptors === undefined ? "" : `ulimit -n ${descriptors}; `;
  return new Deno.Command("sh", {
    args: ["-c", `${limit}exec "$@"`, "sh", ...deno],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  });
}

/** A control plane in its own process. */
export class GrpcProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #log: CollectedText;

  /** Starts a control plane at a socket path, and returns when it serves. */
  static async start(
    path: string,
    options: { descriptors?: number } = {},
  ): Promise<GrpcProcess> {
    const process = new GrpcProcess(command(path, options.descriptors).spawn());
    try {
      const reader = process.#child.stdout.getReader();
      const { value } = await soon(reader.read(), "its line");
      await reader.cancel();
      if (new TextDecoder().decode(value).startsWith("ready")) return process;
      throw new Error(`It did not start: ${await process.#wholeLog()}`);
    } catch (error) {
      await process.kill();
      throw error;
    }
  }

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#log = new CollectedText(child.stderr);
  }

  /** Waits until its log contains `text`. */
  async logged(text: string): Promise<void> {
    const there = await this.#log.until(text, (log) => log.includes(text));
    if (!there) throw new Error(`It ended without: ${text}: ${this.#log.text}`);
  }

  async #wholeLog(): Promise<string> {
    await soon(this.#log.end, "the end of its log");
    return this.#log.text;
  }

  /** Kills it with SIGKILL, and waits until it has ended. */
  async kill(): Promise<void> {
    await kill(this.#child);
    await this.#child.stdin.abort().catch(() => {});
    await this.#wholeLog();
  }

  /** Closes its standard input, and waits until it has ended. Returns its exit code or signal, and its log. */
  async end(): Promise<{ code: number; signal: string | null; log: string }> {
    await this.#child.stdin.close();
    const { code, signal } = await statusOf(this.#child, "its end");
    return { code, signal, log: await this.#wholeLog() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
