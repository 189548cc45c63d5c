/**
 * The receiving half of a port.
 *
 * @module
 */

import type { Port } from "../proto/schema/port.ts";
import type { Frame, Schema } from "../proto/schema/field_type.ts";
import { frameBytes } from "./frame_bytes.ts";
import type { FrameQueue } from "./transport.ts";

/** A received frame, on lease. Dispose it soon: until then the sender cannot use its memory again. */
export type ReceivedFrame<S extends Schema> = Frame<S> & Disposable;

/** Counters of a receiving port. */
export interface ReceiverStats {
  /** Frames received. */
  readonly received: number;
  /** Received frames that were dropped unread: newer ones replaced them, or the queue was full. */
  readonly dropped: number;
}

/**
 * The receiving half of a port.
 *
 * ```ts ignore
 * for await (using frame of blur.output.video) show(frame.pixel_buffer.pixels);
 * ```
 */
export interface FrameReceiver<S extends Schema = Schema>
  extends AsyncIterable<ReceivedFrame<S>> {
  /** The port's name. */
  readonly name: string;
  /** The schema of its frames. */
  readonly schema: S;
  /** The counters so far. */
  readonly stats: ReceiverStats;
  /** The number of frames that can be read now. */
  readonly size: number;
  /**
   * Returns the next frame, or the newest one if the port skips to the latest,
   * or `null` if there is none. The caller disposes the frame.
   */
  get(): ReceivedFrame<S> | null;
  /**
   * Like {@link get}, but waits if there is no frame. Returns `null` when the
   * channel was closed in order or `signal` aborts. Throws the channel's failure
   * if it failed.
   *
   * ```ts ignore
   * using frame = await blur.output.video.next();
   * ```
   */
  next(signal?: AbortSignal): Promise<ReceivedFrame<S> | null>;
  /**
   * Iterates over the frames as they are received. The caller disposes each.
   * Ends when the channel was closed in order, throws its failure if it failed.
   */
  [Symbol.asyncIterator](): AsyncGenerator<ReceivedFrame<S>, void>;
  /** Like the iterator, but also ends when `signal` aborts. Frames not read by then can be read later. */
  frames(signal: AbortSignal): AsyncGenerator<ReceivedFrame<S>, void>;
}

/** A {@link FrameReceiver} with the methods that its channel and transport call. */
export class PortReceiver<S extends Schema = Schema>
  implements FrameReceiver<S>, FrameQueue {
  readonly name: string;
  readonly schema: S;
  readonly #port: Port<S>;
  readonly #arrived: () => void;
  #queue: ReceivedFrame<S>[] = [];
  /** The number of frames in the queue that an earlier peer has sent. The current peer does not count them. */
  #inherited = 0;
  #waiting: PromiseWithResolvers<void> | undefined;
  #end: { readonly failure: Error | undefined } | undefined;
  #received = 0;
  #dropped = 0;
  #bytes = 0;

  /** Called by the channel. `arrived` is called when a frame can be read. */
  constructor(name: string, port: Port<S>, arrived: () => void) {
    this.name = name;
    this.schema = port.schema;
    this.#port = port;
    this.#arrived = arrived;
  }

  /** Whether every frame is read, in the order of sending. */
  get inOrder(): boolean {
    return this.#port.read_behavior === "read_next_in_order";
  }

  get stats(): ReceiverStats {
    return { received: this.#received, dropped: this.#dropped };
  }

  /** Bytes of the frames received, as {@link frameBytes} counts them. */
  get bytes(): number {
    return this.#bytes;
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

  /** Adds a frame. If the queue is full, drops this frame on a port in order, else the oldest one. */
  put(frame: ReceivedFrame<S>): void {
    this.#received++;
    this.#bytes += frameBytes(frame);
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
   * The peer is gone; another one may follow. It may use the whole capacity: a
   * port in order must have room for it, whatever its predecessor sent. The
   * frames received so far can still be read. If there are more of them than the
   * capacity, because earlier peers have left some too, the oldest are dropped.
   */
  detach(): void {
    while (this.#queue.length > this.#port.capacity) this.#drop(this.#shift());
    this.#inherited = this.#queue.length;
  }

  /** No more frames will be received. Those received can still be read. */
  end(failure: Error | undefined): void {
    this.#end ??= { failure };
    this.#wake();
  }

  /** Drops the frames that were not read. */
  clear(): void {
    const unread = this.#queue;
    this.#queue = [];
    this.#inherited = 0;
    for (const frame of unread) frame[Symbol.dispose]();
  }
}
