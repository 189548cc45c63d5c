/** Deno's language server, asked as an editor asks it. */

import { PATIENCE_MS, soon } from "./soon.ts";

/** It reads all declarations of Deno's before its first answer. */
const ANSWER_MS = 4 * PATIENCE_MS;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A message of the protocol, as far as it is looked at here. */
interface ServerMessage {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly items?: readonly unknown[] };
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

/** What a hover shows: the code, and the text of its comment. */
interface Hover {
  readonly contents: { readonly value: string };
}

/** A running server. Needs the permission to run Deno. */
export class LanguageServer implements AsyncDisposable {
  readonly #child = new Deno.Command(Deno.execPath(), {
    args: ["lsp", "--quiet"],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  readonly #writer = this.#child.stdin.getWriter();
  readonly #answers = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;

  private constructor() {
    this.#listen().catch(() => {}); // its end fails what is awaited
  }

  /** Starts a server for the project at `root`. */
  static async start(root: URL): Promise<LanguageServer> {
    const server = new LanguageServer();
    try {
      await server.#ask("initialize", {
        processId: Deno.pid,
        rootUri: root.href,
        capabilities: { workspace: { configuration: true } },
        workspaceFolders: [{ uri: root.href, name: "project" }],
        initializationOptions: { enable: true },
      });
      await server.#send({ method: "initialized", params: {} });
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Opens a file of the project with this text. */
  open(uri: string, text: string): Promise<void> {
    const document = { uri, languageId: "typescript", version: 1, text };
    return this.#send({
      method: "textDocument/didOpen",
      params: { textDocument: document },
    });
  }

  /** What is shown at a place, whose line and character count from 0. */
  async hover(uri: string, line: number, character: number): Promise<string> {
    const shown = await this.#ask("textDocument/hover", {
      textDocument: { uri },
      position: { line, character },
    }) as Hover | null;
    return shown?.contents.value ?? "";
  }

  #send(message: object): Promise<void> {
    const body = encoder.encode(JSON.stringify({ jsonrpc: "2.0", ...message }));
    const head = encoder.encode(`Content-Length: ${body.length}\r\n\r\n`);
    return this.#writer.write(new Uint8Array([...head, ...body]));
  }

  async #ask(method: string, params: object): Promise<unknown> {
    const id = ++this.#lastId;
    const answer = Promise.withResolvers<unknown>();
    this.#answers.set(id, answer);
    await this.#send({ id, method, params });
    return await soon(answer.promise, `the answer to ${method}`, ANSWER_MS);
  }

  async #listen(): Promise<void> {
    let text = "";
    // One character for each byte: lengths are in bytes.
    for await (const chunk of this.#child.stdout) {
      for (const byte of chunk) text += String.fromCharCode(byte);
      for (;;) {
        const head = /^Content-Length: (\d+)\r\n(?:[^\r]+\r\n)*\r\n/.exec(text);
        const end = head ? head[0].length + Number(head[1]) : Infinity;
        if (!head || text.length < end) break;
        const body = text.slice(head[0].length, end);
        text = text.slice(end);
        const bytes = Uint8Array.from(body, (one) => one.charCodeAt(0));
        await this.#handle(JSON.parse(decoder.decode(bytes)));
      }
    }
  }

  async #handle(message: ServerMessage): Promise<void> {
    const { id, method, params, result, error } = message;
    if (id === undefined) return;
    if (method !== undefined) {
      // It asks for the editor's settings: for each the same.
      const settings = params?.items?.map(() => ({ enable: true })) ?? null;
      return await this.#send({ id, result: settings });
    }
    const answer = this.#answers.get(id);
    this.#answers.delete(id);
    if (error) answer?.reject(new Error(error.message));
    else answer?.resolve(result);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await soon(this.#child.status, "the end of the language server");
    await this.#writer.abort().catch(() => {});
  }
}
