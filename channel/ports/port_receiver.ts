/**
 * The receiving half of a port: what was received and not read, who waits for it,
 * and when there will be no more.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import type { Port } from "../../proto/schema/port.ts";
import {
  agreedFormat,
  isInOrder,
  type PortTerms,
} from "../../proto/schema/port_agreement.ts";
import type { PixelFormat } from "../../proto/schema/surface.ts";
import type { ReadBehavior, Schema } from "../../proto/schema/field_type.ts";
import { fieldsHaveBytes, frameBytes } from "../frame_bytes.ts";
import type { HeldFrames, Lease } from "../memory/lease.ts";
import {
  type FrameMaker,
  type FrameValues,
  LeasedFrame,
} from "../memory/leased_frame.ts";
import type { ReceivingState } from "../stalls/stall_rules.ts";
import type { FrameQueue } from "../transport.ts";
import { FrameReadable, type ReadablePort } from "./frame_readable.ts";
import type {
  FrameReceiver,
  ReceivedFrame,
  ReceiverStats,
} from "./frame_receiver.ts";
import { UnreadFrames } from "./unread_frames.ts";

/** Where frames come from. */
export interface ArrivalSource {
  /** Handles what has come, if no event tells of it. */
  poll(): void;
  /** Waits awake for a short time, if a frame is likely to come in it. Returns whether something has come. */
  spin(): boolean;
  /** Resolves when the event loop has had a turn, if it is time for one; else `undefined`. */
  turn(): Promise<void> | undefined;
  /** Blocks this thread until something has come, for at most `ms` milliseconds, and handles it. */
  block(ms: number): void;
  /** The time in milliseconds, of a clock that never goes back. */
  now(): number;
}

/** What a receiver reports to its channel's owner. */
export interface ReceiverEvents {
  /** Called when a frame can be read. */
  readonly arrived: () => void;
  /** Called when the other side has ended a port, and when its last frame was read. */
  readonly portEnded: () => void;
}

/** A {@link FrameReceiver} with the methods that its channel and transport call. */
export class PortReceiver<S extends Schema = Schema>
  implements FrameReceiver<S>, ReadablePort<S>, FrameQueue, ReceivingState {
  readonly name: string;
  schema: S;
  /** Whether every frame is read, in the order of sending. */
  inOrder: boolean;
  held: HeldFrames = { count: 0 };
  misses = 0;
  readonly #source: ArrivalSource;
  readonly #events: ReceiverEvents;
  readonly #mayStall: () => void;
  readonly #took: (count: number) => void;
  #make: FrameMaker;
  /** Whether its frames can have bytes to be counted. */
  #hasBytes: boolean;
  #terms: PortTerms;
  #connected = true;
  readonly #unread = new UnreadFrames<ReceivedFrame<S>>();
  #waiting: PromiseWithResolvers<void> | undefined;
  /** Whether the peer has ended the port. */
  #hasEnd = false;
  /** Set when the channel has ended. */
  #closed: { readonly failure: Error | undefined } | undefined;
  /** The iterations that have begun and not finished. */
  #iterations = 0;
  /** The frames that iterations have read, and the stream, once it is over. */
  #iterated = 0;
  /** Made when it is first used. */
  #readable: FrameReadable<S> | undefined;
  /** The frames that the stream has read. It may go on while it is not over. */
  #streamed = 0;
  /** The calls of {@link next} that have not finished. */
  #reads = 0;
  /** Whether what nobody reads is dropped; see {@link clear}. */
  #isCleared = false;
  #received = 0;
  #dropped = 0;
  #bytes = 0;

  /**
   * Called by the channel.
   *
   * @param mayStall called when a read begins to wait, when one finds nothing while
   * all frames are on lease, and when a port in order is full, or full and left
   * @param took called with the number of frames that were read, or dropped unread, when it has changed
   */
  constructor(
    name: string,
    port: Port<S>,
    source: ArrivalSource,
    events: ReceiverEvents,
    mayStall: () => void,
    took: (count: number) => void = () => {},
  ) {
    this.#source = source;
    this.#took = took;
    this.name = name;
    this.schema = port.schema;
    this.#terms = port;
    this.inOrder = isInOrder(port);
    this.#events = events;
    this.#mayStall = mayStall;
    this.#make = LeasedFrame.maker(port.schema);
    this.#hasBytes = fieldsHaveBytes(port.schema.fields);
  }

  get read_behavior(): ReadBehavior {
    return this.#terms.read_behavior;
  }

  get capacity(): number {
    return this.#terms.capacity;
  }

  get pixel_format(): PixelFormat | undefined {
    return agreedFormat(this.#terms);
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Frames dropped unread. */
  get dropped(): number {
    return this.#dropped;
  }

  get stats(): ReceiverStats {
    return { received: this.#received, dropped: this.#dropped };
  }

  /** The frames that have come. */
  get received(): number {
    return this.#received;
  }

  /** The frames that were read, or dropped unread. */
  get taken(): number {
    return this.#received - this.#unread.size;
  }

  /** Whether the first `count` frames were taken, or will be dropped because a newer one has come. */
  isPast(count: number): boolean {
    return this.taken >= count || (!this.inOrder && this.#received > count);
  }

  /** Bytes of the frames received, as {@link frameBytes} counts them. */
  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#unread.size;
  }

  get hasEnd(): boolean {
    return this.#hasEnd;
  }

  get ended(): boolean {
    return this.#hasEnd && this.#unread.size === 0;
  }

  get(): ReceivedFrame<S> | undefined {
    this.#source.poll();
    if (!this.inOrder) {
      while (this.#unread.size > 1) this.#drop(this.#shift());
    }
    const frame = this.#shift();
    if (!frame) this.#missed();
    return frame;
  }

  #missed(): void {
    this.misses++;
    if (this.isAllHeld) this.#mayStall();
  }

  async next(signal?: AbortSignal): Promise<ReceivedFrame<S> | undefined> {
    const wake = (): void => this.#wake();
    signal?.addEventListener("abort", wake);
    this.#reads++;
    try {
      while (!signal?.aborted) {
        const turn = this.#source.turn();
        if (turn) await turn;
        const frame = this.get();
        if (frame || this.#isOver()) return frame;
        const news = this.#news();
        if (news) await news;
      }
      return undefined;
    } finally {
      this.#reads--;
      signal?.removeEventListener("abort", wake);
    }
  }

  recvSync(timeoutMs: number): ReceivedFrame<S> | undefined {
    const isTime = typeof timeoutMs === "number" && timeoutMs >= 0 &&
      timeoutMs < 2 ** 31;
    if (!isTime) {
      throw new BridgeError(
        "bad_argument",
        `Cannot wait for ${timeoutMs} ms on port '${this.name}': the time must be a number from 0 to 2147483647, in milliseconds`,
      );
    }
    const source = this.#source;
    for (let deadline: number | undefined, round = 0;; round++) {
      const frame = this.get();
      if (frame || this.#isOver()) return frame;
      const hasCome = source.spin();
      if (hasCome && round === 0) continue; // most likely this frame: no look at the clock
      const now = source.now();
      deadline ??= now + timeoutMs;
      if (now >= deadline) return this.get();
      if (!hasCome && !this.#closed) source.block(Math.ceil(deadline - now));
    }
  }

  /** Resolves when something may have come; undefined if it has already. */
  #news(): Promise<void> | undefined {
    // A spin may end the channel.
    if (this.#source.spin() || this.#closed) return undefined;
    this.#waiting ??= Promise.withResolvers();
    this.#mayStall();
    return this.#waiting.promise;
  }

  /** Whether no frame will come, as far as is known. Throws the channel's failure. */
  #isOver(): boolean {
    if (this.ended) return true;
    if (this.#closed?.failure) throw this.#closed.failure;
    return this.#closed !== undefined || !this.#connected;
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
    this.#iterations++;
    try {
      while (!signal?.aborted) {
        const frame = await this.next(signal);
        if (!frame) return;
        this.#iterated++;
        yield frame;
      }
    } finally {
      this.#iterations--;
      this.#wasLeft();
    }
  }

  /** Whoever has read frames reads no more. */
  #wasLeft(): void {
    if (this.#isCleared) this.clear();
    else if (this.isFull) this.#mayStall();
  }

  get readable(): ReadableStream<ReceivedFrame<S>> {
    return (this.#readable ??= new FrameReadable<S>(this)).stream;
  }

  async handOver(
    isWanted: () => boolean,
    take: (frame: ReceivedFrame<S> | undefined) => void,
  ): Promise<void> {
    while (true) {
      const turn = this.#source.turn();
      if (turn) await turn;
      if (!isWanted()) return;
      const frame = this.get();
      if (frame) this.#streamed++;
      if (frame || this.#isOver()) return take(frame);
      const news = this.#news();
      if (news) await news;
    }
  }

  readableEnded(): void {
    this.#iterated += this.#streamed;
    this.#streamed = 0;
    this.#wasLeft();
  }

  /** Whether somebody iterates, or has the lock of the stream. */
  get #isIterated(): boolean {
    return this.#iterations > 0 || this.#readable?.isRead === true;
  }

  #shift(): ReceivedFrame<S> | undefined {
    const oldest = this.#unread.shift();
    if (!oldest) return undefined;
    this.#took(this.taken);
    if (this.ended) this.#events.portEnded();
    return oldest;
  }

  #drop(frame: ReceivedFrame<S> | undefined): void {
    this.#dropped++;
    frame?.[Symbol.dispose]();
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  // ---- whether it stands still ----

  /** The frames that were read. */
  get #read(): number {
    return this.#received - this.#dropped - this.#unread.size;
  }

  get isAllHeld(): boolean {
    const most = this.inOrder ? this.capacity : this.capacity + 1;
    return this.held.count >= most && this.#unread.size === 0;
  }

  get isNoneReleased(): boolean {
    return this.held.count === this.#read;
  }

  get isFull(): boolean {
    return this.inOrder && this.#unread.hasNoRoomForPeer(this.capacity);
  }

  get isForsaken(): boolean {
    return !this.#isIterated && this.#read === this.#iterated;
  }

  get isAwaited(): boolean {
    if (!this.#waiting) return false;
    // A stream goes on to wait when its reader has left.
    return this.#reads > 0 || this.#readable?.isRead === true;
  }

  get progress(): number {
    return 2 * this.#received + this.#read - this.held.count;
  }

  // ---- called by the channel ----

  /**
   * Sets how both sides use the port, for the next peer.
   *
   * @param terms undefined if the peer does not have it
   */
  agree(terms: PortTerms | undefined): void {
    this.#connected = terms !== undefined;
    if (terms) {
      this.#terms = terms;
      this.inOrder = isInOrder(terms);
      this.schema = (terms.schema ?? this.schema) as S;
      this.#make = LeasedFrame.maker(this.schema);
      this.#hasBytes = fieldsHaveBytes(this.schema.fields);
    } else this.#wake();
  }

  frame(lease: Lease, values?: FrameValues): LeasedFrame {
    return this.#make(lease, values);
  }

  /**
   * Adds a frame. If the queue is full, in number or in bytes, drops this frame on
   * a port in order, else the oldest ones.
   */
  put(received: LeasedFrame, cost: number): void {
    const frame = received as unknown as ReceivedFrame<S>;
    this.#received++;
    if (this.#hasBytes) this.#bytes += frameBytes(frame);
    if (this.inOrder) {
      if (this.#unread.hasNoRoomForPeer(this.capacity)) {
        this.#drop(frame);
        return;
      }
    } else {
      while (this.#unread.isFull(this.capacity)) this.#drop(this.#shift());
    }
    this.#unread.push(frame, cost);
    this.misses = 0;
    this.#wake();
    this.#events.arrived();
    if (this.isFull) this.#mayStall();
  }

  putEnd(): void {
    this.#hasEnd = true;
    this.#wake();
    this.#events.portEnded();
  }

  /**
   * The peer is gone; another one may follow. It may use the whole capacity: a
   * port in order must have room for it, whatever its predecessor sent. The
   * frames received so far can still be read. If there are more of them than the
   * queue may hold, because earlier peers have left some too, the oldest are
   * dropped.
   */
  detach(): void {
    while (this.#unread.isOverfull(this.capacity)) this.#drop(this.#shift());
    this.#unread.inherit();
    this.held = { count: 0 };
  }

  /** The next peer is there. It has not ended the port. */
  attach(): void {
    this.#hasEnd = false;
  }

  /** The channel has ended: no more frames will be received. Those received can still be read. */
  finish(failure: Error | undefined): void {
    this.#closed ??= { failure };
    this.#wake();
  }

  /** Drops the frames that were not read. While somebody iterates, or has the lock of the stream, they are that reader's, and what it leaves is dropped. */
  clear(): void {
    this.#isCleared = true;
    if (this.#isIterated) return;
    while (this.#unread.size > 0) this.#unread.shift()![Symbol.dispose]();
  }
}
