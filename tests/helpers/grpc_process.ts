/** The Deno that runs this, as the ordinary user of a broker has it: with no more than it needs. */
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

/** A control plane in a process of its own. */
export class GrpcProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stderr: Promise<string>;

  /** Starts it at a socket path, and returns when it serves. */
  static async start(
    path: string,
    options: { descriptors?: number } = {},
  ): Promise<GrpcProcess> {
    const process = new GrpcProcess(command(path, options.descriptors).spawn());
    const reader = process.#child.stdout.getReader();
    const { value } = await reader.read();
    await reader.cancel();
    if (new TextDecoder().decode(value).startsWith("ready")) return process;
    throw new Error(`It did not start: ${await process.#stderr}`);
  }

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#stderr = new Response(child.stderr).text();
  }

  /** Kills it as `kill -9` does, and waits until it is gone. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.stdin.abort().catch(() => {});
    await this.#child.status;
    await this.#stderr;
  }

  /** Lets it end by itself. Says how it ended and what it wrote to its log. */
  async end(): Promise<{ code: number; signal: string | null; log: string }> {
    await this.#child.stdin.close();
    const { code, signal } = await this.#child.status;
    return { code, signal, log: await this.#stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.kill();
    } catch {
      // it has ended
    }
  }
}
