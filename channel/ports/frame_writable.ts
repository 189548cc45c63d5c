/**
 * A sending port as a Web Stream.
 *
 * @module
 */

import type { Schema } from "../../proto/schema/field_type.ts";
import { abortable } from "../abortable.ts";
import { nextTurn } from "../activity.ts";
import { LeasedFrame } from "../memory/leased_frame.ts";
import type { ReceivedFrame } from "./frame_receiver.ts";
import type { OutgoingFrame } from "./frame_sender.ts";

/** A frame that can be written. */
type Written<S extends Schema> = OutgoingFrame<S> | ReceivedFrame<S>;

/** What a stream needs of its port. */
export interface WritablePort<S extends Schema> {
  /** Rejects when the port has ended, or its channel; never resolves. */
  readonly over: Promise<void>;
  /**
   * Whether {@link send} would send this frame now, and not drop it. Throws
   * `bad_argument` if it can never be sent.
   */
  canSend(frame: Written<S>): boolean;
  /** Resolves when {@link canSend} may have become true for this frame, or for a next one, rejects when the port has ended. */
  roomFor(frame: Written<S> | undefined): Promise<void>;
  /** Sends a frame. */
  send(frame: Written<S>): boolean;
  /** Ends the port. */
  end(): void;
}

/** What is written first, so that the stream begins full: it is done when the port has room. */
const FIRST = Symbol("first");

/** The stream of one port. It has room for one frame when the port has. */
export class FrameWritable<S extends Schema> {
  /** What the user writes to. */
  readonly stream: WritableStream<Written<S>>;
  readonly #port: WritablePort<S>;
  /** The frames that were written, and that the port has not been asked to send. */
  readonly #queued = new Set<LeasedFrame>();
  /** Ends the wait for room. */
  #wake: (() => void) | undefined;
  #isClosed = false;
  #isAwaited = false;

  /** Called by the port. */
  constructor(port: WritablePort<S>) {
    this.#port = port;
    const stream = new WritableStream<unknown>({
      start: (controller) => void this.#watch(controller),
      write: (chunk, controller) => this.#write(chunk, controller),
      close: () => this.#close(),
      abort: () => this.#drop(),
    }, {
      highWaterMark: 1,
      // Called for each chunk, when it is written.
      size: (chunk) => {
        if (chunk instanceof LeasedFrame) this.#queued.add(chunk);
        this.#wake?.();
        return 1;
      },
    });
    const writer = stream.getWriter();
    writer.write(FIRST).catch(() => {}); // the stream fails with it
    writer.releaseLock();
    this.stream = stream;
  }

  /** Whether a write waits for room. The one that begins the stream does not count: perhaps nobody wants to write. */
  get isAwaited(): boolean {
    return this.#isAwaited;
  }

  /** Fails the stream when the port ends, also while nobody writes. */
  async #watch(controller: WritableStreamDefaultController): Promise<void> {
    try {
      await this.#port.over;
    } catch (error) {
      if (!this.#isClosed) await this.#fail(controller, error);
    }
  }

  async #write(
    chunk: unknown,
    controller: WritableStreamDefaultController,
  ): Promise<void> {
    const { signal } = controller;
    this.#isAwaited = chunk !== FIRST;
    try {
      if (chunk !== FIRST) await this.#send(chunk as Written<S>, signal);
      await this.#room(signal);
    } catch (error) {
      await this.#fail(controller, error);
      throw signal.aborted ? signal.reason : error;
    } finally {
      this.#isAwaited = false;
    }
  }

  /**
   * Fails the stream, and disposes what will not be sent.
   *
   * It waits for a moment in which nothing else happens. A `pipeTo` that has just
   * read a frame would write it to the stream that has failed already, which
   * forgets it. In such a moment it hears of the failure first, and reads no more.
   */
  async #fail(
    controller: WritableStreamDefaultController,
    error: unknown,
  ): Promise<void> {
    await nextTurn();
    this.#drop();
    controller.error(error);
  }

  /** Sends a frame when there is room for it; disposes it if that fails. */
  async #send(frame: Written<S>, signal: AbortSignal): Promise<void> {
    const port = this.#port;
    try {
      while (!port.canSend(frame)) {
        await abortable(port.roomFor(frame), signal);
      }
      port.send(frame);
    } finally {
      if (frame instanceof LeasedFrame) {
        this.#queued.delete(frame);
        frame[Symbol.dispose]();
      }
    }
  }

  /**
   * Resolves when the port has room for one more frame, or when a frame was written
   * that waits: it may have its place already. Resolves when the stream is aborted.
   */
  async #room(signal: AbortSignal): Promise<void> {
    if (this.#queued.size > 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = this.#wake = (): void => resolve();
    signal.addEventListener("abort", wake);
    try {
      if (!signal.aborted) {
        await Promise.race([this.#port.roomFor(undefined), promise]);
      }
    } finally {
      signal.removeEventListener("abort", wake);
      this.#wake = undefined;
    }
  }

  #close(): void {
    this.#isClosed = true;
    this.#drop(); // what was written after the close
    this.#port.end();
  }

  /** Disposes what will not be sent. */
  #drop(): void {
    for (const frame of this.#queued) frame[Symbol.dispose]();
    this.#queued.clear();
  }
}
