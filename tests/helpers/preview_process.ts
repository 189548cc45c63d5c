/**
 * Runs `deno task demo --preview` as a user does, and requests its page as a
 * browser does.
 */

import { CollectedText, killTree, sendSignal, statusOf } from "./child.ts";
import { soon } from "./soon.ts";

/** A running demo with its preview. */
export class PreviewProcess implements AsyncDisposable {
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

  /** Starts a demo, and waits until it has printed the address of its page. */
  static async start(...args: string[]): Promise<PreviewProcess> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", "demo", "--preview", ...args],
      cwd: new URL("../../", import.meta.url),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const stdout = new CollectedText(child.stdout);
    const stderr = new CollectedText(child.stderr);
    const place = /^preview: (http:\S+)$/m;
    try {
      await stderr.until("the preview's address", (said) => place.test(said));
      const url = place.exec(stderr.text)?.[1];
      if (url) return new PreviewProcess(url, child, stdout, stderr);
      throw new Error(`the demo ended without a preview: ${stderr.text}`);
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
    const { code } = await statusOf(this.#child, "the demo's end");
    await soon(
      Promise.all([this.#stdout.end, this.#stderr.end]),
      "the end of what the demo writes",
    );
    return { code, stdout: this.#stdout.text };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    sendSignal(this.#child, "SIGTERM");
    await this.ended();
  }
}
