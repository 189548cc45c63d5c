/**
 * `deno task demo --preview` as a user starts it, and its page as a browser
 * gets it.
 */

import { soon } from "./soon.ts";

/** A demo that runs, with its preview. */
export class PreviewProcess implements AsyncDisposable {
  /** Where its page is. */
  readonly url: string;
  /** What it has written on stderr so far. */
  readonly stderr: () => string;
  readonly #child: Deno.ChildProcess;
  readonly #stdout: Promise<string>;
  readonly #read: Promise<void>;

  private constructor(
    child: Deno.ChildProcess,
    url: string,
    stdout: Promise<string>,
    stderr: () => string,
    read: Promise<void>,
  ) {
    this.#child = child;
    this.url = url;
    this.#stdout = stdout;
    this.stderr = stderr;
    this.#read = read;
  }

  /** Starts it, and waits until it says where its page is. */
  static async start(...args: string[]): Promise<PreviewProcess> {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["task", "--quiet", "demo", "--preview", ...args],
      cwd: new URL("../../", import.meta.url),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    let said = "";
    const url = Promise.withResolvers<string>();
    const stdout = new Response(child.stdout).text();
    const read = (async (): Promise<void> => {
      const text = child.stderr.pipeThrough(new TextDecoderStream());
      for await (const chunk of text) {
        said += chunk;
        const found = /^preview: (http:\S+)$/m.exec(said)?.[1];
        if (found) url.resolve(found);
      }
      url.reject(new Error(`the demo ended without a preview: ${said}`));
    })();
    const place = await soon(url.promise, "the preview's address", 60_000);
    return new PreviewProcess(child, place, stdout, () => said, read);
  }

  /** A request to a place below the page's address. */
  get(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.url + path, init);
  }

  /** Ends it as Ctrl-C does, and waits until it has ended. */
  async interrupt(): Promise<{ code: number; stdout: string }> {
    this.#child.kill("SIGINT");
    return await this.ended();
  }

  /** Waits until it has ended. */
  async ended(): Promise<{ code: number; stdout: string }> {
    const { code } = await soon(this.#child.status, "the demo's end", 30_000);
    await this.#read;
    return { code, stdout: await this.#stdout };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      return; // it has ended
    }
    await this.#child.status;
    await Promise.all([this.#read, this.#stdout]);
  }
}
