/**
 * The receiving half of a port.
 *
 * @module
 */

import type { Port } from "../proto/schema/port.ts";
import type { Frame, Schema } from "../proto/schema/field_type.ts";

/** A frame that came, on lease: dispose it soon, the sender waits for its surfaces. */
export type ReceivedFrame<S extends Schema> = Frame<S> & Disposable;

/** What one port has received. */
export interface ReceiverStats {
  /** Frames that came. */
  readonly received: number;
  /** Of those, frames that nobody read: overtaken by newer ones, or too many. */
  readonly dropped: number;
}

/**
 * Where frames come out of the channel.
 *
 * ```ts ignore
 * for await (using frame of blur.output.video) show(frame.pixel_buffer.pixels);
 * ```
 */
export interface FrameReceiver<S extends Schema = Schema>
  extends AsyncIterable<ReceivedFrame<S>> {
  /** The port's name. */
  readonly name: string;
  /** What its frames hold. */
  readonly schema: S;
  /** What was received and dropped so far. */
  readonly stats: ReceiverStats;
  /** Frames that can be read. */
  readonly size: number;
  /**
   * The next frame, or the newest where the port skips to the latest; `null`
   * when there is none. The caller disposes it.
   */
  get(): ReceivedFrame<S> | null;
  /**
   * The same, and where there is none the next to come. `null` when the channel
   * was closed in order, or when `signal` aborts; throws why where it failed.
   *
   * ```ts ignore
   * using frame = await blur.output.video.next();
   * ```
   */
  next(signal?: AbortSignal): Promise<ReceivedFrame<S> | null>;
  /**
   * Frames as they come, each the caller's to dispose. Ends when the channel
   * was closed in order, throws why when it failed.
   */
  [Symbol.asyncIterator](): AsyncGenerator<ReceivedFrame<S>, void>;
  /** The same, until `signal` aborts: it then ends, and what was not read can be read later. */
  frames(signal: AbortSignal): AsyncGenerator<ReceivedFrame<S>, void>;
}

/** The receiving half of a port, with what its channel tells it. */
export class PortReceiver<S extends Schema = Schema>
  implements FrameReceiver<S> {
  readonly name: string;
  readonly schema: S;
  readonly #port: Port<S>;
  readonly #arrived: () => void;
  #queue: ReceivedFrame<S>[] = [];
  /** How many of the queue an earlier peer has sent: the one of now knows nothing of them. */
  #inherited = 0;
  #waiting: PromiseWithResolvers<void> | undefined;
  #end: { readonly failure: Error | undefined } | undefined;
  #received = 0;
  #dropped = 0;

  /** Made by the channel. `arrived` is called when a frame can be read. */
  constructor(name: string, port: Port<S>, arrived: () => void) {
    this.name = name;
    this.schema = port.schema;
    this.#port = port;
    this.#arrived = arrived;
  }

  /** Whether every frame is read, in turn. */
  get inOrder(): boolean {
    return this.#port.read_behavior === "read_next_in_order";
  }

  get stats(): ReceiverStats {
    return { received: this.#received, dropped: this.#dropped };
  }

  get size(): number {
    return this.#queue.length;
  }

  get(): ReceivedFrame<S> | null {
    if (!this.inOrder) {
      while (this.#queue.length > 1) this.#drop(this.#shift());
    }
    return this.#shift() ?? null;
  }

  async next(signal?: AbortSignal): Promise<ReceivedFrame<S> | null> {
    const wake = (): void => this.#wake();
    signal?.addEventListener("abort", wake);
    try {
      while (!signal?.aborted) {
        const frame = this.get();
        if (frame) return frame;
        if (this.#end?.failure) throw this.#end.failure;
        if (this.#end) return null;
        this.#waiting ??= Promise.withResolvers();
        await this.#waiting.promise;
      }
      return null;
    } finally {
      signal?.removeEventListener("abort", wake);
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<ReceivedFrame<S>, void> {
    return this.#frames(undefined);
  }

  frames(signal: AbortSignal): AsyncGenerator<ReceivedFrame<S>, void> {
    return this.#frames(signal);
  }

  async *#frames(
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ReceivedFrame<S>, void> {
    while (!signal?.aborted) {
      const frame = this.get() ?? await this.next(signal);
      if (!frame) return;
      yield frame;
    }
  }

  #shift(): ReceivedFrame<S> | undefined {
    if (this.#inherited > 0) this.#inherited--;
    return this.#queue.shift();
  }

  #drop(frame: ReceivedFrame<S> | undefined): void {
    this.#dropped++;
    frame?.[Symbol.dispose]();
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  // ---- called by the channel ----

  /** A frame came. A full queue loses its oldest, or this one where order counts. */
  put(frame: ReceivedFrame<S>): void {
    this.#received++;
    const { capacity } = this.#port;
    if (this.inOrder && this.#queue.length - this.#inherited >= capacity) {
      this.#drop(frame);
      return;
    }
    if (!this.inOrder && this.#queue.length >= capacity) {
      this.#drop(this.#shift());
    }
    this.#queue.push(frame);
    this.#wake();
    this.#arrived();
  }

  /**
   * The peer is gone, and another may come, which has all of the capacity
   * again: what a port in order has promised it must not depend on who was
   * there before. What came can still be read; the oldest goes where a peer
   * before that one has left as much.
   */
  detach(): void {
    while (this.#queue.length > this.#port.capacity) this.#drop(this.#shift());
    this.#inherited = this.#queue.length;
  }

  /** No more will come. What came can still be read. */
  end(failure: Error | undefined): void {
    this.#end ??= { failure };
    this.#wake();
  }

  /** Drops what was not read. */
  clear(): void {
    const unread = this.#queue;
    this.#queue = [];
    this.#inherited = 0;
    for (const frame of unread) frame[Symbol.dispose]();
  }
}
