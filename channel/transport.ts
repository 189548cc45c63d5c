/**
 * The interface between the ports of a channel and what carries their frames.
 * Ports know no wire format: a {@link Transport} encodes, sends and decodes. There
 * are two: `lane/`, records in shared memory, and `dictionary/`, one XPC message
 * per frame, for a peer that has no lanes.
 *
 * A transport carries frames, ends of ports, and releases. Offers and retirements of shared
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
import { BridgeError } from "../proto/errors.ts";
import { canGenerate } from "../proto/generated_code.ts";
import type { PortTerms } from "../proto/schema/port_agreement.ts";
import type { Surface } from "../proto/schema/surface.ts";
import { type Feature, FEATURES } from "../proto/wire/features.ts";
import type { Misfit } from "../proto/wire/misfit.ts";
import type { Id } from "../proto/wire/xpc_value.ts";
import type { HeldFrames, Lease } from "./memory/lease.ts";
import type { FrameValues, LeasedFrame } from "./memory/leased_frame.ts";

/** The name of a transport in statistics. */
export type TransportPath = "lane" | "dictionary";

/** Returns the features that this side has, if `path` is to carry its frames. A lane needs generated code, which an option of V8 can forbid. */
export function channelFeatures(path: TransportPath): readonly Feature[] {
  return path === "lane" && canGenerate()
    ? FEATURES
    : FEATURES.filter((feature) => feature !== "lanes");
}

/** Carries the frames of one channel, both ways, for one peer. */
export interface Transport {
  /** The name of this transport in statistics. */
  readonly path: TransportPath;
  /**
   * Returns what sends the frames of one outgoing port.
   *
   * @param terms how both sides use the port; undefined before there is a peer
   */
  writer<S extends Schema>(
    portName: string,
    schema: S,
    terms: PortTerms | undefined,
  ): PortWriter<S>;
  /** Sends releases. Does nothing if there is no peer. */
  sendReleases(batch: ReleaseBatch): void;
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
  /** Tells the peer that no frame follows on this port. It arrives behind the frames that were sent. */
  end(): void;
}

/** Returns the error for a frame whose message would be too large: it has `bytes` bytes without its shared memory. */
export function frameTooLarge(bytes: number): BridgeError {
  return new BridgeError(
    "bad_argument",
    `Cannot send a frame of ${bytes} bytes, textures and buffers not counted: ` +
      "a message must not be over 1 MiB; put large data into a texture or a buffer",
  );
}

/** A frame that was sent, and is unconfirmed until its release. */
export interface UnconfirmedFrame {
  /** Its id: no other of the last 2^32 frames of its side has it. */
  readonly id: number;
  /** What its message costs, in bytes. */
  readonly cost: number;
}

/** A frame that can be sent once. */
export interface KeptFrame {
  /** Has its memory offered and sends it. Throws `native_failure` if that is not possible. */
  send(): UnconfirmedFrame;
}

/** One use of a piece of shared memory on the channel. */
export interface PieceUse {
  /** The id under which the piece was offered. */
  readonly id: Id;
  /** The number of the use that is meant. */
  readonly generation: Id;
}

/** How a frame names the memory of a texture or a buffer. */
export interface PieceName extends PieceUse {
  /** Whether it is a piece of the receiver of the name, which has lent it to the other side. */
  readonly moved: boolean;
}

/** Releases that are sent together. */
export interface ReleaseBatch {
  /** The ids of frames without memory. */
  readonly frames: readonly Id[];
  /** The pieces of memory, and the uses of them that have ended. */
  readonly pieces: readonly PieceUse[];
  /** Whether views of the pieces were transferred: they must not be used again. */
  readonly givenAway: boolean;
  /** The number of frames that this side has dropped; undefined if the peer knows it. */
  readonly dropped: number | undefined;
}

/** The shared memory of a frame that is being sent. */
export interface SentMemory {
  /**
   * Returns the piece behind a texture or buffer. Throws `bad_argument` if it is
   * not memory of this frame, or if an array does not begin where its memory does.
   */
  pieceOf(value: Surface | NumericArray): PieceName;
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
  /** Whether the sender has ended the port: no frame may follow. */
  readonly hasEnd: boolean;
  /** Counts the frames of this peer that keep a place at their sender. */
  readonly held: HeldFrames;
  /**
   * Makes a frame object. The end of its lease releases the frame, and its memory,
   * to the sender.
   *
   * @param values those of its fields; without them its fields are set later
   */
  frame(lease: Lease, values?: FrameValues): LeasedFrame;
  /**
   * Takes a frame over that {@link frame} has made.
   *
   * @param cost what its message costs, in bytes
   */
  put(frame: LeasedFrame, cost: number): void;
  /** The sender has ended the port. Call it once for each peer, behind its last frame. */
  putEnd(): void;
}

/** What a transport reports to its channel. */
export interface TransportEvents {
  /** The peer has released a piece of this side's memory. `givenAway`: the piece must not be used again. */
  memoryReleased(id: Id, generation: Id, givenAway: boolean): void;
  /** The peer has confirmed a frame that has no shared memory. */
  frameReleased(id: Id): void;
  /** The number of frames that the peer has dropped, as it says. */
  peerDropped(count: Id): void;
  /** Something invalid was received and dropped. `kind` groups problems of the same cause. */
  problem(kind: string, text: string): void;
}
