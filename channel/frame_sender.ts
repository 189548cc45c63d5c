/**
 * The sending half of a port, as its user sees it.
 *
 * @module
 */

import type {
  Frame,
  ReadBehavior,
  Schema,
} from "../proto/schema/field_type.ts";
import type { FrameTemplate } from "./memory/frame_template.ts";

/** A frame to fill. Dispose it or send it; sending disposes it. */
export type OutgoingFrame<S extends Schema> =
  & { -readonly [K in keyof Frame<S>]: Frame<S>[K] }
  & Disposable;

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
  /** Whether the other side has this port. False only for a port with `required: false`, once the client has started; then each frame is dropped. */
  readonly connected: boolean;
  /** The counters so far. */
  readonly stats: SenderStats;
  /**
   * Resolves when the next frame would be sent at once: the channel is open and
   * has room for a frame with as many textures and buffers as the last one.
   * Rejects when the channel has ended, and when the port is not
   * {@link connected}. This is the back-pressure of a port that must not lose
   * frames.
   */
  readonly ready: Promise<void>;
  /**
   * Returns a frame to fill. Its textures and buffers, at any depth, are shared
   * memory of the sizes that the template has; all other values are copied from
   * the template. Another frame can serve as the template. If there is no room,
   * the frame can be filled as usual, but {@link send} drops and counts it.
   *
   * @throws {BridgeError} `schema_mismatch` naming schema, field and value if the
   * template does not fit the schema: it lacks a field, or asks for more textures
   * and buffers than a frame can have; the channel's failure, or `closed`, once it has ended
   */
  acquire(template: FrameTemplate<S>): OutgoingFrame<S>;
  /**
   * Sends a frame from {@link acquire}, once, without waiting. Returns false if
   * it was dropped, because the channel is not open or there was no room. A frame
   * of which a view was transferred is sent with what its memory holds now.
   *
   * On a port that skips to the latest, a few frames may be on their way that the
   * other side has not confirmed. The newest frame after those waits, with its
   * content as it is now, and is sent when one of them is confirmed; `send`
   * returns true. A newer frame replaces it, and the end of the channel or of the
   * client drops it: then it counts as dropped.
   *
   * @throws {BridgeError} `schema_mismatch` naming schema, field and value if the
   * frame does not fit; `bad_argument` if the frame is not from this port, was
   * sent before, or is larger than 1 MiB without its shared memory
   */
  send(frame: Frame<S>): boolean;
}
