/** Shows pictures on a page in the browser. */
import type { Surface } from "@streamlib/bridge/host";
import { PageServer, type Pictures } from "./page_server.ts";

const HOLD_MS = 10_000; // a request is answered by then, if need be without pictures

type Shown = { readonly frame_number: bigint; readonly pixel_buffer: Surface };

/** Copies pictures only if the page has asked for them: a slow page skips some. */
export class Display implements AsyncDisposable {
  /** The address of the page. */
  readonly url: string;
  readonly #server: PageServer;
  #next = Promise.withResolvers<Pictures | undefined>();
  #isAsked = false;
  #before: { frame: bigint; pixels: Uint8Array<ArrayBuffer> } | undefined;

  /** @param port 0 for one that is free */
  constructor(port: number) {
    this.#server = new PageServer(port, () => this.#pictures());
    this.url = this.#server.url;
  }

  /** Call it with each picture, before it is sent. */
  sending({ frame_number: frame, pixel_buffer }: Shown): void {
    if (!this.#isAsked || this.#before) return;
    this.#before = { frame, pixels: pixel_buffer.copyTo() };
  }

  /** Call it with each picture that has come back. */
  received({ frame_number: frame, pixel_buffer }: Shown): void {
    if (this.#before?.frame !== frame) return;
    const body = new Blob([this.#before.pixels, pixel_buffer.copyTo()]);
    this.#answer({ frame, width: pixel_buffer.width, body });
  }

  /** Ends the page. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#answer(undefined);
    await this.#server[Symbol.asyncDispose]();
  }

  async #pictures(): Promise<Pictures | undefined> {
    this.#isAsked = true;
    const timer = setTimeout(() => this.#answer(undefined), HOLD_MS);
    const pictures = await this.#next.promise;
    clearTimeout(timer);
    return pictures;
  }

  #answer(pictures: Pictures | undefined): void {
    this.#next.resolve(pictures);
    this.#next = Promise.withResolvers();
    this.#isAsked = false;
    this.#before = undefined;
  }
}
