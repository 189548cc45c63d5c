/**
 * `demo --preview`: the live picture and the connection's states, on a page
 * that this machine's browser shows.
 *
 * @module
 */

import { newToken } from "./access.ts";
import { EventStream } from "./event_stream.ts";
import { answer } from "./handler.ts";
import { PictureTap } from "./picture_tap.ts";
import type { PreviewStatus } from "./status.ts";

const ADDRESS = "127.0.0.1";
/** How often the page is told, while somebody looks. */
const TELL_MS = 250;
/** The same until the connection is ready: there is more to see. */
const TELL_EARLY_MS = 50;
/** How long the last words to a browser may take. */
const SHUTDOWN_MS = 500;

/** A preview that cannot be served. */
export class PreviewError extends Error {
  override name = "PreviewError";
  /** The stable name of the failure. */
  readonly code = "preview_unavailable";
}

/** A page on loopback, for as long as the demo runs. */
export class Preview implements AsyncDisposable {
  /** Where the page is. Whoever knows this may see it. */
  readonly url: string;
  /** Sees every frame; see {@link PictureTap}. */
  readonly pictures: PictureTap = new PictureTap();
  #describe: (() => Promise<PreviewStatus>) | undefined;
  readonly #states = new EventStream(() => void this.#tell());
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #abort = new AbortController();
  #telling = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #over = false;

  /**
   * Serves at once. Needs `--allow-net=127.0.0.1`.
   *
   * @param port where to listen, 0 for any that is free
   * @throws {PreviewError} where it cannot listen there
   */
  constructor(port: number) {
    const token = newToken();
    try {
      this.#server = Deno.serve({
        hostname: ADDRESS,
        port,
        signal: this.#abort.signal,
        onListen: () => {},
      }, (request) =>
        answer(request, {
          host,
          token,
          states: this.#states,
          pictures: this.pictures,
        }));
    } catch (cause) {
      throw new PreviewError(
        `Cannot show the preview at ${ADDRESS}:${port}: ${
          cause instanceof Deno.errors.AddrInUse
            ? "another program listens there; give another port, or none for any that is free"
            : (cause as Error).message
        }`,
        { cause },
      );
    }
    const host = `${ADDRESS}:${this.#server.addr.port}`;
    this.url = `http://${host}/${token}/`;
  }

  /** Tells whoever looks how things are; `describe` is called only while somebody does. */
  show(describe: () => Promise<PreviewStatus>): void {
    this.#describe = describe;
    if (this.#states.watched) void this.#tell();
  }

  /** Says how it ended to all who look; no more pictures. */
  end(status: PreviewStatus): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#states.send(JSON.stringify(status));
    this.#states.end();
    this.pictures.end();
  }

  /** Ends the server, once the browsers have the last words, or took too long. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#states.end();
    this.pictures.end();
    const late = setTimeout(() => this.#abort.abort(), SHUTDOWN_MS);
    await this.#server.shutdown();
    clearTimeout(late);
  }

  /** Now, and again while somebody looks. */
  async #tell(): Promise<void> {
    if (this.#telling || this.#over || !this.#describe) return;
    this.#telling = true;
    clearTimeout(this.#timer);
    const status = await this.#describe();
    this.#telling = false;
    if (this.#over) return;
    this.#states.send(JSON.stringify(status));
    if (!this.#states.watched) return;
    this.#timer = setTimeout(
      () => void this.#tell(),
      status.derived_state === "ready" ? TELL_MS : TELL_EARLY_MS,
    );
  }
}
