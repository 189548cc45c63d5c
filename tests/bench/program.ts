/** Programs of `programs/`, and others, in processes of their own. */

import { kill, linesOf } from "../helpers/child.ts";
import { PATIENCE_MS, soon } from "../helpers/soon.ts";

/** The arguments of Deno for a file in `programs/`. */
export function denoArguments(
  name: string,
  ...args: readonly (string | number)[]
): string[] {
  const url = new URL(`./programs/${name}`, import.meta.url);
  return ["run", "-q", "--no-lock", "-A", url.href, ...args.map(String)];
}

/** A process that prints lines, and that ends when its standard input does, or is killed. */
export class Program implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #lines: AsyncGenerator<string, void>;
  readonly #name: string;

  /** Starts a program. Its stderr is that of this process. */
  constructor(
    program: string,
    args: readonly (string | number)[],
    env: Readonly<Record<string, string>> = {},
    name = [program, ...args].join(" "),
  ) {
    this.#name = name;
    this.#child = new Deno.Command(program, {
      args: args.map(String),
      env: { ...env },
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#lines = linesOf(this.#child.stdout);
  }

  /** Starts a file of `programs/` with Deno. */
  static deno(
    file: string,
    args: readonly (string | number)[],
    env: Readonly<Record<string, string>> = {},
  ): Program {
    const name = [file, ...args].join(" ");
    return new Program(
      Deno.execPath(),
      denoArguments(file, ...args),
      env,
      name,
    );
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The next line that it prints. Throws if it ends first. */
  async line(limitMs = PATIENCE_MS): Promise<string> {
    const { done, value } = await soon(
      this.#lines.next(),
      `a line of ${this.#name}`,
      limitMs,
    );
    if (!done) return value;
    throw new Error(`${this.#name} has ended`);
  }

  /** Sends it a line. */
  async tell(line: string): Promise<void> {
    await this.#input.write(new TextEncoder().encode(`${line}\n`));
  }

  /** Ends its standard input, and returns when it has ended. */
  async finish(limitMs = PATIENCE_MS): Promise<void> {
    await this.#input.close().catch(() => {});
    await soon(this.#child.status, `the end of ${this.#name}`, limitMs);
    await this.#lines.return();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    await kill(this.#child);
    await this.#lines.return();
  }
}
