/**
 * Records: what a lane carries. A record is a header of 16 bytes and a payload. In
 * a ring it takes whole slots, one after the other, and never wraps round the
 * ring's end. A frame that is too long for the ring, or finds no room in it, is
 * the same record in a message.
 *
 * | at | size | field | |
 * |---|---|---|---|
 * | 0 | 4 | after | the number of the last message that was sent before the record |
 * | 4 | 2 | port | of a frame and an end: the index of the port |
 * | 6 | 1 | kind | {@link RECORD_KIND} |
 * | 7 | 1 | slots | the slots that it takes; 0 in a message |
 * | 8 | 4 | frame | of a frame: the low 32 bits of its id |
 * | 12 | 4 | bytes | of the payload |
 * | 16 | bytes | payload | |
 *
 * @module
 */

import { amount } from "../schema/schema_place.ts";
import type { Id } from "../wire/xpc_value.ts";
import { LANE_SLOT_BYTES } from "./layout.ts";
import type { LaneBytes } from "./lane_memory.ts";

/** The size of a record's header. */
export const RECORD_HEADER_BYTES = 16;
/** The most slots of one record. */
export const MAX_RECORD_SLOTS = 255;

/** The kinds of records. */
export const RECORD_KIND = Object.freeze(
  {
    /** A frame of a port. */
    frame: 1,
    /** Releases of memory and of frames. */
    release: 2,
    /** The end of a port. */
    end: 3,
    /** No content: it fills the slots before the ring's end. */
    skip: 4,
  } as const,
);

/** Returns the slots of a record with a payload of `bytes`. */
export function slotsOf(bytes: number): number {
  return Math.ceil((RECORD_HEADER_BYTES + bytes) / LANE_SLOT_BYTES);
}

/** Writes the header of a frame's record. `slots` is 0 in a message. */
export function writeFrameHeader(
  { view }: LaneBytes,
  at: number,
  after: number,
  port: number,
  slots: number,
  frame: number,
  bytes: number,
): void {
  writeHeader(view, at, after, port, RECORD_KIND.frame, slots, frame, bytes);
}

/** Writes the header of a record that fills `slots` slots before the ring's end. */
export function writeSkip(
  { view }: LaneBytes,
  at: number,
  after: number,
  slots: number,
): void {
  writeHeader(view, at, after, 0, RECORD_KIND.skip, slots, 0, 0);
}

function writeHeader(
  view: DataView,
  at: number,
  after: number,
  port: number,
  kind: number,
  slots: number,
  frame: number,
  bytes: number,
): void {
  view.setUint32(at, after, true);
  view.setUint16(at + 4, port, true);
  view.setUint8(at + 6, kind);
  view.setUint8(at + 7, slots);
  view.setUint32(at + 8, frame, true);
  view.setUint32(at + 12, bytes, true);
}

/**
 * The header of the record that was read last. It is used again and again, so
 * that a record costs no object.
 */
export class RecordHeader {
  /** The number of the last message that was sent before the record. */
  after = 0;
  /** The index of the port; 0 if the record is of no port. */
  port = 0;
  /** One of {@link RECORD_KIND}. */
  kind = 0;
  /** The slots that it takes; 0 in a message. */
  slots = 0;
  /** The low 32 bits of the frame's id; 0 if it is no frame. */
  frame = 0;
  /** The size of the payload, which begins {@link RECORD_HEADER_BYTES} after the header. */
  bytes = 0;

  /**
   * Reads the header of a record in a ring, each value once. Returns what is wrong
   * with it; then the fields of this object are not to be used.
   *
   * @param slot the index of its first slot
   * @param ready the slots from there on that were published, at least 1
   * @param slots the slots of the ring
   */
  readSlot(
    { view }: LaneBytes,
    at: number,
    slot: number,
    ready: number,
    slots: number,
  ): string | undefined {
    this.#read(view, at);
    if (this.kind < RECORD_KIND.frame || this.kind > RECORD_KIND.skip) {
      const { frame, skip } = RECORD_KIND;
      return notAllowed("a record", "kind", this.kind, `${frame} to ${skip}`);
    }
    if (this.slots < 1) return this.#slotsNotAllowed("at least 1");
    if (this.slots > ready) {
      return this.#slotsNotAllowed(
        `up to ${ready}, the slots that were published`,
      );
    }
    if (slot + this.slots > slots) {
      return this.#slotsNotAllowed(
        `up to ${
          slots - slot
        }, the slots from slot ${slot} to the end of the ring`,
      );
    }
    const room = LANE_SLOT_BYTES * this.slots - RECORD_HEADER_BYTES;
    if (this.bytes > room) {
      const slots = amount(this.slots, "slot");
      return this.#bytesNotAllowed(`up to ${room} in ${slots}`);
    }
    return this.#unused();
  }

  /**
   * Reads the header of the record in a message: a frame. Returns what is wrong
   * with it; then the fields of this object are not to be used.
   */
  readMessage({ bytes, view }: LaneBytes): string | undefined {
    if (bytes.length < RECORD_HEADER_BYTES) {
      return `a record of ${
        amount(bytes.length, "byte")
      } in a message (allowed: at least ${RECORD_HEADER_BYTES}, its header)`;
    }
    this.#read(view, 0);
    if (this.kind !== RECORD_KIND.frame) {
      return notAllowed(
        "a record in a message",
        "kind",
        this.kind,
        `${RECORD_KIND.frame}, a frame`,
      );
    }
    if (this.slots !== 0) {
      return this.#slotsNotAllowed("0 in a message");
    }
    const payload = bytes.length - RECORD_HEADER_BYTES;
    return this.bytes === payload
      ? undefined
      : this.#bytesNotAllowed(`${payload}, the rest of the message`);
  }

  #read(view: DataView, at: number): void {
    this.after = view.getUint32(at, true);
    this.port = view.getUint16(at + 4, true);
    this.kind = view.getUint8(at + 6);
    this.slots = view.getUint8(at + 7);
    this.frame = view.getUint32(at + 8, true);
    this.bytes = view.getUint32(at + 12, true);
  }

  #slotsNotAllowed(allowed: string): string {
    return notAllowed("a record", "slots", this.slots, allowed);
  }

  #bytesNotAllowed(allowed: string): string {
    return notAllowed("a record", "bytes", this.bytes, allowed);
  }

  #mustBeZero(field: string, value: number): string {
    return notAllowed("a record", field, value, `0 for kind ${this.kind}`);
  }

  /** A field that this kind of record does not use must be 0. Returns what is wrong otherwise. */
  #unused(): string | undefined {
    const { kind, port, frame, bytes } = this;
    if (kind === RECORD_KIND.frame) return undefined;
    if (frame !== 0) return this.#mustBeZero("frame", frame);
    if (kind === RECORD_KIND.end) return undefined;
    if (port !== 0) return this.#mustBeZero("port", port);
    return kind === RECORD_KIND.skip && bytes !== 0
      ? this.#mustBeZero("bytes", bytes)
      : undefined;
  }
}

/** Returns what is wrong with a field: its name, its value, and which values are allowed. */
function notAllowed(
  what: string,
  field: string,
  value: Id,
  allowed: string,
): string {
  return `${what} with ${field} = ${value} (allowed: ${allowed})`;
}

const END_BYTES = 8;
const RELEASE_BYTES = 12;
const PIECE_BYTES = 8;
const FRAME_BYTES = 4;

/** The size of the payload of an end. */
export const END_PAYLOAD_BYTES: number = END_BYTES;

/**
 * Writes an end: header and payload.
 *
 * @param dropped the frames that this side has dropped, received or its own, in all so far
 */
export function writeEnd(
  { view }: LaneBytes,
  at: number,
  after: number,
  port: number,
  dropped: number,
): void {
  const slots = slotsOf(END_BYTES);
  writeHeader(view, at, after, port, RECORD_KIND.end, slots, 0, END_BYTES);
  writeCount(view, at + RECORD_HEADER_BYTES, dropped);
}

/** Reads the payload of an end. Returns the number of frames that the peer has dropped, or what is wrong. */
export function readEnd(
  { view }: LaneBytes,
  at: number,
  bytes: number,
): number | string {
  return bytes === END_BYTES
    ? readCount(view, at)
    : notAllowed("an end", "bytes", bytes, `${END_BYTES}`);
}

/** The use of a piece of memory that is released. */
export interface ReleasedUse {
  /** The id under which the piece was offered. */
  readonly id: number;
  /** Which use of it. */
  readonly generation: number;
}

/** Returns the size of the payload of a release. */
export function releaseBytes(pieces: number, frames: number): number {
  return RELEASE_BYTES + PIECE_BYTES * pieces + FRAME_BYTES * frames;
}

/**
 * Writes a release: header and payload. It must not take more than
 * {@link MAX_RECORD_SLOTS}.
 *
 * @param dropped the frames that this side has dropped, received or its own, in all so far
 * @param frames their ids, of which the low 32 bits are written
 */
export function writeRelease(
  { view }: LaneBytes,
  at: number,
  after: number,
  dropped: number,
  pieces: readonly ReleasedUse[],
  frames: readonly Id[],
): void {
  const bytes = releaseBytes(pieces.length, frames.length);
  const slots = slotsOf(bytes);
  writeHeader(view, at, after, 0, RECORD_KIND.release, slots, 0, bytes);
  let to = at + RECORD_HEADER_BYTES;
  writeCount(view, to, dropped);
  view.setUint16(to + 8, pieces.length, true);
  view.setUint16(to + 10, frames.length, true);
  to += RELEASE_BYTES;
  for (const { id, generation } of pieces) {
    view.setUint32(to, id, true);
    view.setUint32(to + 4, generation, true);
    to += PIECE_BYTES;
  }
  for (const frame of frames) {
    view.setUint32(to, Number(frame), true);
    to += FRAME_BYTES;
  }
}

/** Gets what a release says. */
export interface ReleaseTaker {
  /** The number of frames that the peer has dropped, in all so far. */
  dropped(count: number): void;
  /** A piece of memory that the peer no longer reads. */
  piece(id: number, generation: number): void;
  /** The low 32 bits of the id of a frame without memory that the peer has done with. */
  frame(id: number): void;
}

/** Reads the payload of a release. Returns what is wrong with it; then `taker` was not called. */
export function readRelease(
  { view }: LaneBytes,
  at: number,
  bytes: number,
  taker: ReleaseTaker,
): string | undefined {
  if (bytes < RELEASE_BYTES) {
    return notAllowed("a release", "bytes", bytes, `at least ${RELEASE_BYTES}`);
  }
  const dropped = readCount(view, at);
  if (typeof dropped === "string") return dropped;
  const pieces = view.getUint16(at + 8, true);
  const frames = view.getUint16(at + 10, true);
  const needed = releaseBytes(pieces, frames);
  if (bytes !== needed) {
    const named = `${amount(pieces, "piece")} and ${amount(frames, "frame")}`;
    return notAllowed("a release", "bytes", bytes, `${needed} for ${named}`);
  }
  taker.dropped(dropped);
  let from = at + RELEASE_BYTES;
  for (let i = 0; i < pieces; i++, from += PIECE_BYTES) {
    taker.piece(view.getUint32(from, true), view.getUint32(from + 4, true));
  }
  for (let i = 0; i < frames; i++, from += FRAME_BYTES) {
    taker.frame(view.getUint32(from, true));
  }
  return undefined;
}

const TWO_32 = 2 ** 32;

function writeCount(view: DataView, at: number, count: number): void {
  view.setUint32(at, count >>> 0, true);
  view.setUint32(at + 4, Math.floor(count / TWO_32), true);
}

/** Reads a number of dropped frames. Returns what is wrong if it is too large. */
function readCount(view: DataView, at: number): number | string {
  const low = view.getUint32(at, true);
  const high = view.getUint32(at + 4, true);
  const count = high * TWO_32 + low;
  return Number.isSafeInteger(count) ? count : notAllowed(
    "a record",
    "dropped",
    BigInt(high) * BigInt(TWO_32) + BigInt(low),
    `up to ${Number.MAX_SAFE_INTEGER}`,
  );
}
