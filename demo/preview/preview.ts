/**
 * `demo --preview`: serves a page with the live picture and the connection's
 * states to a browser on this machine.
 *
 * @module
 */

import { newToken } from "./access.ts";
import { EventStream } from "./event_stream.ts";
import { answer } from "./handler.ts";
import { PictureTap } from "./picture_tap.ts";
import type { PreviewStatus } from "./status.ts";

const ADDRESS = "127.0.0.1";
/** The interval between two events, while a page is open. */
const TELL_MS = 250;
/** The same interval until the connection is ready, when more changes. */
const TELL_EARLY_MS = 50;
/** The time limit for the last event to a browser. */
const SHUTDOWN_MS = 500;

/** The preview cannot be served. */
export class PreviewError extends Error {
  override name = "PreviewError";
  /** The stable code of the failure. */
  readonly code = "preview_unavailable";
}

/** A page on loopback, while the demo runs. */
export class Preview implements AsyncDisposable {
  /** The page's address. Everyone who knows it may see the page. */
  readonly url: string;
  /** Gets every frame; see {@link PictureTap}. */
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
   * @param port the port to listen on; 0 for a free one
   * @throws {PreviewError} if it cannot listen on that port
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

  /** Begins to send states. `describe` is called only while a page is open. */
  show(describe: () => Promise<PreviewStatus>): void {
    this.#describe = describe;
    if (this.#states.watched) void this.#tell();
  }

  /** Sends the last state to all open pages, and ends the pictures. */
  end(status: PreviewStatus): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#states.send(JSON.stringify(status));
    this.#states.end();
    this.pictures.end();
  }

  /** Ends the server, after the browsers have the last event or the time limit has passed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#states.end();
    this.pictures.end();
    const late = setTimeout(() => this.#abort.abort(), SHUTDOWN_MS);
    await this.#server.shutdown();
    clearTimeout(late);
  }

  /** Sends the state now, and repeatedly while a page is open. */
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
