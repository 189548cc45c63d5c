/**
 * The interface between the ports of a channel and what carries their frames.
 * Ports know no wire format: a {@link Transport} encodes, sends, decodes and
 * releases. There is one implementation, `dictionary/`: one XPC message per
 * frame.
 *
 * A transport carries frames and releases. Offers and retirements of shared
 * memory, and all other control messages, are XPC messages with every
 * transport: the channel sends and receives them.
 *
 * @module
 */

import type {
  Frame,
  NumericArray,
  Schema,
} from "../proto/schema/field_type.ts";
import type { Surface } from "../proto/schema/surface.ts";
import type { Misfit } from "../proto/wire/misfit.ts";

/** Carries the frames of one channel, both ways, for as long as the channel exists. */
export interface Transport {
  /** The name of this transport in statistics. */
  readonly path: string;
  /** Returns what sends the frames of one outgoing port. Called once per port. */
  writer<S extends Schema>(portName: string, schema: S): PortWriter<S>;
  /**
   * Tells the peer that this side no longer reads a piece of its memory.
   * `generation` is the use that ended. `givenAway`: a view of the piece was
   * transferred, so the peer must not use it again.
   */
  releaseMemory(id: bigint, generation: bigint, givenAway: boolean): void;
  /**
   * The peer is gone; another one may follow. Disposing a frame of the old peer
   * sends nothing from now on.
   */
  detach(): void;
}

/** Sends the frames of one port. */
export interface PortWriter<S extends Schema = Schema> {
  /** Returns why `frame` cannot be sent, or undefined. Works without a peer. */
  check(frame: unknown): Misfit | undefined;
  /**
   * Sends a frame. Never waits. Asks `memory` for the piece behind each texture
   * and buffer, then has those pieces offered, then sends.
   *
   * @throws {BridgeError} `schema_mismatch` if the frame does not fit, before
   * `memory` is asked for anything; `bad_argument` if the message is too large;
   * what `memory` throws
   */
  send(frame: Frame<S>, memory: SentMemory): UnconfirmedFrame;
  /**
   * Copies a frame as it is now, to be sent later. Asks `memory` for the pieces,
   * but has them offered only when the frame is sent. A port keeps one frame at a
   * time: the one that it kept before cannot be sent any more. Throws as
   * {@link send} does; then that one still can.
   */
  keep(frame: Frame<S>, memory: SentMemory): KeptFrame;
}

/** A frame that was sent, and is unconfirmed until its release. */
export interface UnconfirmedFrame {
  /** Its id, unique on its side of the channel. */
  readonly id: bigint;
  /** What its message costs, in bytes. */
  readonly cost: number;
}

/** A frame that can be sent once. */
export interface KeptFrame {
  /** Has its memory offered and sends it. Throws `native_failure` if that is not possible. */
  send(): UnconfirmedFrame;
}

/** The name of a piece of shared memory on the channel. */
export interface PieceName {
  /** The id under which the piece was offered. */
  readonly id: bigint;
  /** The number of the use that is meant. */
  readonly generation: bigint;
}

/** A piece that a frame to be sent names. */
export interface SentPiece extends PieceName {
  /** The elements of a buffer that belong to the frame; 0 for a surface. */
  readonly length: number;
}

/** The shared memory of a frame that is being sent. */
export interface SentMemory {
  /** Returns the piece behind a texture or buffer. Throws `bad_argument` if it is not memory of this frame. */
  pieceOf(value: Surface | NumericArray): SentPiece;
  /** Offers the pieces that were asked for and that the peer does not have yet. */
  offerPieces(): void;
}

/** Takes the frames that were received for one port. */
export interface FrameQueue {
  /** What its frames hold. */
  readonly schema: Schema;
  /** Whether every frame counts. If so, a frame without shared memory is confirmed when it is disposed, else when it was put. */
  readonly inOrder: boolean;
  /** The most frames that it keeps. */
  readonly capacity: number;
  /** Frames that were dropped unread. */
  readonly dropped: number;
  /**
   * Takes a frame over. Disposing the frame releases it, and its memory, to the
   * sender.
   *
   * @param cost what its message costs, in bytes
   */
  put(frame: Frame<Schema> & Disposable, cost: number): void;
}

/** What a transport reports to its channel. */
export interface TransportEvents {
  /** The peer has released a piece of this side's memory. `givenAway`: the piece must not be used again. */
  memoryReleased(id: bigint, generation: bigint, givenAway: boolean): void;
  /** The peer has confirmed a frame that has no shared memory. */
  frameReleased(id: bigint): void;
  /** The number of frames that the peer has received and dropped unread, as it says. */
  peerDropped(count: bigint): void;
  /** User code has transferred a view of a frame that was received on this port. */
  givenAway(portName: string): void;
  /** Something invalid was received and dropped. `kind` groups problems of the same cause. */
  problem(kind: string, text: string): void;
}
