/**
 * The sending half of a port, as its user sees it.
 *
 * @module
 */

import type {
  Frame,
  ReadBehavior,
  Schema,
} from "../../proto/schema/field_type.ts";
import type { ReceivedFrame } from "./frame_receiver.ts";
import type { PixelFormat } from "../../proto/schema/surface.ts";
import type { Leased } from "../memory/leased_frame.ts";
import type { FrameTemplate } from "../memory/frame_template.ts";

/**
 * A frame to fill. Dispose it or send it; sending disposes it. After that its
 * textures and buffers throw `closed`, and a view of their memory that was kept
 * has length 0.
 *
 * A buffer can carry fewer elements than its memory has room for: assign
 * `frame.samples = frame.samples.subarray(0, length)`.
 */
export type OutgoingFrame<S extends Schema> =
  & { -readonly [K in keyof Frame<S>]: Frame<S>[K] }
  & Leased
  & Disposable
  & {
    /**
     * Returns another lease on the same memory, with views of its own: to send the
     * same content to more than one port. Throws `closed` if this lease has ended.
     *
     * On the port that it was acquired on, one of the frame and its clones has a
     * place: the one that is sent first. Each other one is sent if there is room for
     * one more.
     */
    clone(): OutgoingFrame<S>;
    /** Returns the frame's content in private memory. Throws `closed` if the lease has ended. */
    copy(): Frame<S>;
  };

/** Counters of a sending port. */
export interface SenderStats {
  /** Frames sent to the other side. */
  readonly sent: number;
  /** Frames not sent: the channel was not open, there was no room, or a newer frame replaced it while it waited. */
  readonly dropped: number;
  /** Frames that wait to be sent: 0 or 1. It will count as sent or as dropped. */
  readonly waiting: number;
}

/**
 * The sending half of a port. Nothing here waits, except {@link ready}.
 *
 * ```ts ignore
 * await blur.input.video.ready;
 * using frame = blur.input.video.acquire(template);
 * draw(frame.pixel_buffer.pixels);
 * blur.input.video.send(frame);
 * ```
 */
export interface FrameSender<S extends Schema = Schema> {
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
  /** Whether the other side has this port. False only for a port with `required: false`, once the client has started; then each frame is dropped. */
  readonly connected: boolean;
  /** Whether this side has ended the port: see {@link end}. */
  readonly ended: boolean;
  /** The counters so far. */
  readonly stats: SenderStats;
  /**
   * Resolves when the next frame would be sent at once: the channel is open and
   * has room for a frame with as many textures and buffers as the last one.
   * Rejects when the channel or the port has ended, and when the port is not
   * {@link connected}. This is the back-pressure of a port that must not lose
   * frames.
   */
  readonly ready: Promise<void>;
  /**
   * Returns a frame to fill. Its textures and buffers, at any depth, are shared
   * memory of the sizes that the template has; all other values are copied from
   * the template. Another frame can serve as the template: then the time and the
   * number are that frame's. If there is no room, the frame can be filled as
   * usual, but {@link send} drops and counts it.
   *
   * What the schema's marks make known need not be in the template: a field that
   * mirrors a texture or buffer, or the texture or buffer that fields mirror; a
   * clock, which is the time now; a count, which is the number of frames acquired
   * on this port before. Where the sides have agreed on a pixel format, that is
   * the default.
   *
   * @throws {BridgeError} `schema_mismatch` naming schema, field and value if the
   * template does not fit the schema: it lacks a field, contradicts itself, or asks for more textures
   * and buffers than a frame can have; `closed` once the port was ended; the
   * channel's failure, or `closed`, once it has ended
   */
  acquire(template: FrameTemplate<S>): OutgoingFrame<S>;
  /**
   * Sends a frame, once, without waiting: one from {@link acquire}, or one that was
   * received or acquired on any port of this process. A frame of another port is
   * **moved**: its memory is not copied, goes back to its producer when nobody reads
   * it any more, and the frame object is disposed. Send a `clone()` to keep it, or
   * to send it to several ports.
   *
   * Returns false if the frame was dropped, because the channel is not open, or has
   * ended since the frame was acquired, or there was no room.
   *
   * On a port that skips to the latest, a few frames may be on their way that the
   * other side has not confirmed. The newest frame after those waits, with its
   * content as it is now, and is sent when one of them is confirmed; `send`
   * returns true. A newer frame replaces it, and the end of the channel or of the
   * client drops it: then it counts as dropped.
   *
   * @throws {BridgeError} `schema_mismatch` naming schema, field and value if the
   * frame does not fit; `bad_argument` if a view of its memory was transferred, if
   * it was sent or disposed before, or if it is larger than 1 MiB without its shared
   * memory; `closed` if the port was ended
   */
  send(frame: OutgoingFrame<S> | ReceivedFrame<S>): boolean;
  /**
   * The port as a Web Stream, always the same one. It takes over each frame that is
   * written, as {@link send} does, and disposes those that it does not send. No frame
   * is dropped for want of room: `ready` and `desiredSize` of its writer say when the
   * port has room for one, and a frame that comes earlier waits for it.
   *
   * A `write` resolves when the frame was sent and the port has room for another, or
   * another one was written meanwhile. So do not await it before you read what the
   * room depends on.
   *
   * `close()` waits for the same, then ends the port: see {@link end}. `abort(reason)`
   * disposes what was written and not sent, and does not end the port: the frames so
   * far are not all, and the owner decides. The stream fails with the error that
   * {@link ready} rejects with, also while nobody writes; it goes on when the client is
   * started again. A write fails the stream with `bad_argument` if the frame was
   * acquired on this port when it had no room, and with what `send` throws. A write to
   * a stream that has closed or failed already leaves the frame to its writer.
   *
   * ```ts
   * import type { FrameSender, VideoFrame } from "@streamlib/bridge";
   *
   * async function send(
   *   video: FrameSender<typeof VideoFrame>,
   *   pictures: Iterable<Uint8Array>,
   * ): Promise<void> {
   *   const writer = video.writable.getWriter();
   *   await writer.ready; // before `acquire`: then its frame has room
   *   for (const picture of pictures) {
   *     const frame = video.acquire({ width: 64, height: 64, pixel_format: "gray8" });
   *     frame.pixel_buffer.copyFrom(picture);
   *     await writer.write(frame);
   *   }
   *   await writer.close();
   * }
   *
   * console.log(send.length); // 2
   * ```
   */
  readonly writable: WritableStream<OutgoingFrame<S> | ReceivedFrame<S>>;
  /**
   * Ends the port: no frame follows. The end travels behind the frames that were
   * sent, and behind one that waits. The other side reads them all, then
   * {@link FrameReceiver.ended} is true there and its iteration finishes.
   * Another call has no effect.
   *
   * A host's input stays ended when its client is restarted: the next client is
   * told too. A processor's outputs end by themselves after its `flush`; call
   * this to end one earlier, or in a processor without inputs:
   *
   * ```ts
   * import { DataFrame, manual } from "@streamlib/bridge/client";
   *
   * export default manual({
   *   outputs: { ticks: DataFrame },
   *   async start({ output: { ticks }, running }) {
   *     for (let count = 0n; count < 100n && !running.aborted; count++) {
   *       await ticks.ready;
   *       using tick = ticks.acquire({
   *         data: new Uint8Array(8),
   *         schema_name: "tick",
   *         timestamp_ns: count,
   *       });
   *       ticks.send(tick);
   *     }
   *     ticks.end(); // the host's iteration finishes after the last tick
   *   },
   * });
   * ```
   */
  end(): void;
}
