/**
 * Copies of this checkout: the files of a broker, a host and the command line,
 * which a test may edit.
 */

import { CollectedText, killTree, sendSignal, statusOf } from "./child.ts";
import { soon } from "./soon.ts";

/** The files and folders that a copy has. */
const PARTS = [
  "broker",
  "channel",
  "cli",
  "client",
  "demo",
  "deno.json",
  "deno.lock",
  "ffi",
  "host",
  "launchd",
  "mod.ts",
  "proto",
  ".std",
  "testing",
  "tests/fixtures",
];

const ROOT = new URL("../../", import.meta.url);

/** Copies a file, or a folder with all that is in it. */
export async function copyTree(from: URL, to: URL): Promise<void> {
  const info = await Deno.stat(from);
  if (!info.isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to, { recursive: true });
  for await (const { name } of Deno.readDir(from)) {
    await copyTree(new URL(name, slashed(from)), new URL(name, slashed(to)));
  }
}

function slashed(url: URL): URL {
  return new URL(`${url.href.replace(/\/$/, "")}/`);
}

/** A running program of a checkout, with its output. It ends with its scope at the latest. */
export class Program implements AsyncDisposable {
  readonly pid: number;
  readonly #child: Deno.ChildProcess;
  readonly #stdout: CollectedText;
  readonly #stderr: CollectedText;

  /** @param child with its three streams piped */
  constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.pid = child.pid;
    this.#stdout = new CollectedText(child.stdout);
    this.#stderr = new CollectedText(child.stderr);
  }

  /** The complete lines of its stdout so far. */
  get lines(): string[] {
    return this.#stdout.text.split("\n").slice(0, -1);
  }

  /** The last line so far; "" before the first. */
  get last(): string {
    return this.lines.at(-1) ?? "";
  }

  /** Waits for the first line that `is` accepts, and returns it. If there is none, throws with the whole output. */
  async line(is: (line: string) => boolean): Promise<string> {
    try {
      const told = () => this.lines.some(is);
      const found = this.#stdout.until("a line", told);
      if (await soon(found, "a line")) return this.lines.find(is)!;
      throw new Error("it has ended");
    } catch (cause) {
      await killTree(this.pid); // this ends its output too
      await soon(this.#stderr.end, "its last words");
      throw new Error(
        `${
          (cause as Error).message
        }; it said ${this.#stdout.text}; ${this.#stderr.text}`,
        { cause },
      );
    }
  }

  /** Writes to its standard input. */
  async write(text: string): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    try {
      await soon(writer.write(new TextEncoder().encode(text)), "a write");
    } finally {
      writer.releaseLock();
    }
  }

  /** Sends it a signal, if it is still there. */
  signal(signal: Deno.Signal): void {
    sendSignal(this.#child, signal);
  }

  /** Closes its standard input, and waits until it has ended and its output was read. If it does not end, kills it and throws. */
  async end(): Promise<Deno.CommandStatus> {
    if (!this.#child.stdin.locked) {
      await this.#child.stdin.close().catch(() => {}); // it has ended
    }
    const status = await statusOf(this.#child, "a program's end");
    await soon(
      Promise.all([this.#stdout.end, this.#stderr.end]),
      "its last words",
    );
    return status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGTERM");
    await this.end();
  }
}

/** A checkout of its own, removed with its scope. */
export class Checkout implements AsyncDisposable {
  /** Its root, absolute. */
  readonly path: string;
  readonly #url: URL;

  private constructor(path: string) {
    this.path = path;
    this.#url = new URL(`file://${path}/`);
  }

  /** Copies this checkout, with its built shim. */
  static async make(): Promise<Checkout> {
    const path = await Deno.makeTempDir({ prefix: "streamlib-checkout-" });
    const checkout = new Checkout(await Deno.realPath(path));
    const built = `c/out/${Deno.build.os}-${Deno.build.arch}`;
    const library = `${built}/libstreamlib_bridge.${
      Deno.build.os === "darwin" ? "dylib" : "so"
    }`;
    for (const part of ["tests", built]) {
      await Deno.mkdir(new URL(part, checkout.#url), { recursive: true });
    }
    for (const part of [...PARTS, library]) {
      try {
        await copyTree(new URL(part, ROOT), new URL(part, checkout.#url));
      } catch (error) {
        // If JSR can be reached, there are no stand-ins.
        if (!(error instanceof Deno.errors.NotFound) || part !== ".std") {
          throw error;
        }
      }
    }
    return checkout;
  }

  /** Replaces a part of a file's text. Throws if the file does not contain it. */
  async edit(file: string, from: string, to: string): Promise<void> {
    const url = new URL(file, this.#url);
    const before = await Deno.readTextFile(url);
    if (!before.includes(from)) throw new Error(`${file} has no '${from}'`);
    await Deno.writeTextFile(url, before.replace(from, to));
  }

  /** Starts `deno run` with these arguments in this checkout. */
  run(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Program {
    return new Program(
      new Deno.Command(Deno.execPath(), {
        args: ["run", "--quiet", "--no-prompt", "--no-check", ...args],
        cwd: this.path,
        env: { ...env },
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
