/**
 * The receiving half of a port.
 *
 * @module
 */

import { MAX_UNREAD_BYTES } from "../proto/limits.ts";
import type { Port } from "../proto/schema/port.ts";
import type { PortTerms } from "../proto/schema/port_agreement.ts";
import type {
  Frame,
  ReadBehavior,
  Schema,
} from "../proto/schema/field_type.ts";
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
  /** How frames are read, as both sides use it; before the client has started, as this side declares it. */
  readonly read_behavior: ReadBehavior;
  /** The most unread frames, as both sides use it; before the client has started, as this side declares it. */
  readonly capacity: number;
  /** Whether the other side has this port. False only for a port with `required: false`, once the client has started. */
  readonly connected: boolean;
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
   * channel was closed in order, `signal` aborts, or the port is not
   * {@link connected}. Throws the channel's failure if it failed.
   *
   * ```ts ignore
   * using frame = await blur.output.video.next();
   * ```
   */
  next(signal?: AbortSignal): Promise<ReceivedFrame<S> | null>;
  /**
   * Iterates over the frames as they are received. The caller disposes each.
   * Ends when the channel was closed in order or the port is not
   * {@link connected}, throws the channel's failure if it failed.
   */
  [Symbol.asyncIterator](): AsyncGenerator<ReceivedFrame<S>, void>;
  /** Like the iterator, but also ends when `signal` aborts. Frames not read by then can be read later. */
  frames(signal: AbortSignal): AsyncGenerator<ReceivedFrame<S>, void>;
}

/** A frame that was received and not read. */
interface Unread<S extends Schema> {
  readonly frame: ReceivedFrame<S>;
  /** What its message costs, in bytes. */
  readonly cost: number;
}

/** A {@link FrameReceiver} with the methods that its channel and transport call. */
export class PortReceiver<S extends Schema = Schema>
  implements FrameReceiver<S>, FrameQueue {
  readonly name: string;
  readonly schema: S;
  readonly #arrived: () => void;
  #terms: PortTerms;
  #connected = true;
  #queue: Unread<S>[] = [];
  /** What the queue costs, in bytes. */
  #cost = 0;
  /** The frames in the queue that an earlier peer has sent. The current peer does not count them. */
  #inherited = { count: 0, cost: 0 };
  #waiting: PromiseWithResolvers<void> | undefined;
  #end: { readonly failure: Error | undefined } | undefined;
  #received = 0;
  #dropped = 0;
  #bytes = 0;

  /** Called by the channel. `arrived` is called when a frame can be read. */
  constructor(name: string, port: Port<S>, arrived: () => void) {
    this.name = name;
    this.schema = port.schema;
    this.#terms = port;
    this.#arrived = arrived;
  }

  get read_behavior(): ReadBehavior {
    return this.#terms.read_behavior;
  }

  get capacity(): number {
    return this.#terms.capacity;
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Whether every frame is read, in the order of sending. */
  get inOrder(): boolean {
    return this.read_behavior === "read_next_in_order";
  }

  /** Frames dropped unread. */
  get dropped(): number {
    return this.#dropped;
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
        if (this.#end || !this.#connected) return null;
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
    const oldest = this.#queue.shift();
    if (!oldest) return undefined;
    this.#cost -= oldest.cost;
    if (this.#inherited.count > 0) {
      this.#inherited.count--;
      this.#inherited.cost -= oldest.cost;
    }
    return oldest.frame;
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

  /**
   * Sets how both sides use the port, for the next peer.
   *
   * @param terms undefined if the peer does not have it
   */
  agree(terms: PortTerms | undefined): void {
    this.#connected = terms !== undefined;
    if (terms) this.#terms = terms;
    else this.#wake();
  }

  /**
   * Adds a frame. If the queue is full, in number or in bytes, drops this frame on
   * a port in order, else the oldest ones.
   */
  put(frame: ReceivedFrame<S>, cost: number): void {
    this.#received++;
    this.#bytes += frameBytes(frame);
    if (this.inOrder) {
      const { count, cost: theirs } = this.#inherited;
      if (this.#isFull(this.#queue.length - count, this.#cost - theirs)) {
        this.#drop(frame);
        return;
      }
    } else {
      while (this.#isFull(this.#queue.length, this.#cost)) {
        this.#drop(this.#shift());
      }
    }
    this.#queue.push({ frame, cost });
    this.#cost += cost;
    this.#wake();
    this.#arrived();
  }

  #isFull(count: number, cost: number): boolean {
    return count >= this.capacity || cost >= MAX_UNREAD_BYTES;
  }

  /**
   * The peer is gone; another one may follow. It may use the whole capacity: a
   * port in order must have room for it, whatever its predecessor sent. The
   * frames received so far can still be read. If there are more of them than the
   * queue may hold, because earlier peers have left some too, the oldest are
   * dropped.
   */
  detach(): void {
    while (
      this.#queue.length > this.capacity || this.#cost > 2 * MAX_UNREAD_BYTES
    ) this.#drop(this.#shift());
    this.#inherited = { count: this.#queue.length, cost: this.#cost };
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
    this.#cost = 0;
    this.#inherited = { count: 0, cost: 0 };
    for (const { frame } of unread) frame[Symbol.dispose]();
  }
}
