/**
 * Runs a program that serves a page, as a user does, and requests its page as a
 * browser does.
 */

import { CollectedText, killTree, sendSignal, statusOf } from "./child.ts";
import { ROOT } from "../../tools/checkout.ts";
import { soon } from "./soon.ts";

/** What a program prints before the address of its page, and where. */
interface Announcement {
  readonly stream: "stdout" | "stderr";
  readonly before: "preview:" | "Open";
}

/** A running program with its page. */
export class PageProcess implements AsyncDisposable {
  /** The address of its page. */
  readonly url: string;
  readonly #child: Deno.ChildProcess;
  readonly #stdout: CollectedText;
  readonly #stderr: CollectedText;

  private constructor(
    url: string,
    child: Deno.ChildProcess,
    stdout: CollectedText,
    stderr: CollectedText,
  ) {
    this.url = url;
    this.#child = child;
    this.#stdout = stdout;
    this.#stderr = stderr;
  }

  /** Starts the demo with its preview. */
  static demo(...args: string[]): Promise<PageProcess> {
    return PageProcess.start(
      ["task", "--quiet", "demo", "--preview", ...args],
      { stream: "stderr", before: "preview:" },
    );
  }

  /** Starts Deno with these arguments, and waits until it has printed the address of its page. */
  static async start(
    args: readonly string[],
    { stream, before }: Announcement,
    options: Pick<Deno.CommandOptions, "env" | "clearEnv"> = {},
  ): Promise<PageProcess> {
    const child = new Deno.Command(Deno.execPath(), {
      args: [...args],
      ...options,
      cwd: ROOT,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const stdout = new CollectedText(child.stdout);
    const stderr = new CollectedText(child.stderr);
    const place = new RegExp(`^${before} (http:\\S+)`, "m");
    const said = { stdout, stderr }[stream];
    try {
      await said.until("the page's address", (text) => place.test(text));
      const url = place.exec(said.text)?.[1];
      if (url) return new PageProcess(url, child, stdout, stderr);
      throw new Error(
        `the program ended without a page: ${stdout.text}${stderr.text}`,
      );
    } catch (error) {
      await killTree(child.pid);
      throw error;
    }
  }

  /** Its stderr so far. */
  stderr(): string {
    return this.#stderr.text;
  }

  /** Requests a path below the page's address. */
  get(path: string, init: RequestInit = {}): Promise<Response> {
    return soon(fetch(this.url + path, init), `the answer to '${path}'`);
  }

  /** Sends SIGINT, as Ctrl-C does, and waits until it has ended. */
  async interrupt(): Promise<{ code: number; stdout: string }> {
    this.#child.kill("SIGINT");
    return await this.ended();
  }

  /** Waits until it has ended. */
  async ended(): Promise<{ code: number; stdout: string }> {
    const { code } = await statusOf(this.#child, "the program's end");
    await soon(
      Promise.all([this.#stdout.end, this.#stderr.end]),
      "the end of what the program writes",
    );
    return { code, stdout: this.#stdout.text };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    sendSignal(this.#child, "SIGTERM");
    await this.ended();
  }
}
