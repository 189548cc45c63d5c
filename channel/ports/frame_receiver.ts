/**
 * The receiving half of a port, as its user sees it.
 *
 * @module
 */

import type {
  Frame,
  ReadBehavior,
  Schema,
} from "../../proto/schema/field_type.ts";
import type { PixelFormat } from "../../proto/schema/surface.ts";
import type { Leased } from "../memory/leased_frame.ts";

/**
 * A received frame, on lease. Dispose it soon: until then the sender cannot use
 * its memory again. Do not write to its memory: others may read it.
 *
 * Once it was disposed or sent, its textures and buffers throw `closed`, and a
 * view of their memory that was kept has length 0. An operation of the system that
 * has not ended, such as a `write` of `pixels`, goes on reading the memory: await it
 * first. In a frame of a schema with a field `clone` or `copy` the field takes the
 * place of the method.
 */
export type ReceivedFrame<S extends Schema> =
  & Frame<S>
  & Leased
  & Disposable
  & {
    /**
     * Returns another lease on the same memory, with views of its own: to keep the
     * frame, or to send it to more than one port. The memory is released when all
     * leases have ended. Throws `closed` if this one has.
     */
    clone(): ReceivedFrame<S>;
    /** Returns the frame's content in private memory, to be kept without a lease. Throws `closed` if the lease has ended. */
    copy(): Frame<S>;
  };

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
  /** The pixel format of its frames, if the two sides have agreed on one: see the `formats` of a port. `undefined` before the client has started. */
  readonly pixel_format: PixelFormat | undefined;
  /** Whether the other side has this port. False only for a port with `required: false`, once the client has started. */
  readonly connected: boolean;
  /** The counters so far. */
  readonly stats: ReceiverStats;
  /** The number of frames that can be read now. */
  readonly size: number;
  /** Whether the other side has ended the port, and all its frames were read. A client that is started again begins anew. */
  readonly ended: boolean;
  /**
   * Returns the next frame, or the newest one if the port skips to the latest,
   * or `undefined` if there is none. The caller disposes the frame.
   */
  get(): ReceivedFrame<S> | undefined;
  /**
   * Like {@link get}, but waits if there is no frame. Returns `undefined` when
   * the port has {@link ended}, the channel was closed in order, `signal` aborts,
   * or the port is not {@link connected}. Throws the channel's failure if it
   * failed.
   *
   * If frames have come quickly over a lane, it waits awake first, for at most 100
   * µs. It gives the event loop a turn once a millisecond, not for each frame.
   *
   * ```ts ignore
   * using frame = await blur.output.video.next();
   * ```
   */
  next(signal?: AbortSignal): Promise<ReceivedFrame<S> | undefined>;
  /**
   * Like {@link get}, but blocks this thread if there is no frame, for at most
   * `timeoutMs` milliseconds. Returns `undefined` after that time, and when
   * {@link next} would. For a Worker, or a processor with nothing else to do:
   * neither timers nor promises go on meanwhile. It is the quickest way to wait.
   *
   * A host hears of its client's exit in its event loop. A loop of this function
   * that gives the event loop no turn gets `undefined` at each deadline after the
   * client was killed, and the failure only when it has returned: `await` something
   * now and then, at the latest when it has returned `undefined`.
   *
   * @throws {BridgeError} the channel's failure; `bad_argument` if the time is not a
   * number from 0 to 2^31 - 1
   *
   * ```ts ignore
   * using frame = input.video.recvSync(100);
   * ```
   */
  recvSync(timeoutMs: number): ReceivedFrame<S> | undefined;
  /**
   * Iterates over the frames as they are received. The caller disposes each.
   * Finishes when the port has {@link ended}, the channel was closed in order or
   * the port is not {@link connected}, throws the channel's failure if it failed.
   */
  [Symbol.asyncIterator](): AsyncGenerator<ReceivedFrame<S>, void>;
  /** Like the iterator, but also ends when `signal` aborts. Frames not read by then can be read later. */
  frames(signal: AbortSignal): AsyncGenerator<ReceivedFrame<S>, void>;
  /**
   * The frames as a Web Stream, always the same one. It takes a frame from the port
   * when somebody reads, and none ahead. Whoever reads a frame disposes it, or
   * passes it on: a {@link FrameSender.writable} takes it over.
   *
   * A read finds the end as {@link next} does: it closes the stream when `next` would
   * return `undefined`, and fails with what `next` would throw. A closed stream stays
   * closed, also if the client is started again; read from the port itself then.
   *
   * `cancel()` leaves the frames that nobody has read in the port. With a reason, as
   * `pipeTo` cancels when something behind it has failed, it also ends the leases of
   * the frames that were read before and are still held: a `TransformStream` would
   * forget those that it has. A `clone()` keeps its own lease. `tee()` throws
   * `bad_argument`, because two readers would get the same lease.
   *
   * ```ts
   * import type {
   *   FrameReceiver,
   *   FrameSender,
   *   ReceivedFrame,
   *   VideoFrame,
   * } from "@streamlib/bridge";
   *
   * type Picture = ReceivedFrame<typeof VideoFrame>;
   *
   * // Passes every second picture on.
   * function halve(
   *   from: FrameReceiver<typeof VideoFrame>,
   *   to: FrameSender<typeof VideoFrame>,
   * ): Promise<void> {
   *   const half = new TransformStream<Picture, Picture>({
   *     transform(frame, controller) {
   *       if (frame.frame_number % 2n === 0n) controller.enqueue(frame);
   *       else frame[Symbol.dispose]();
   *     },
   *   });
   *   return from.readable.pipeThrough(half).pipeTo(to.writable);
   * }
   *
   * console.log(halve.length); // 2
   * ```
   */
  readonly readable: ReadableStream<ReceivedFrame<S>>;
}
