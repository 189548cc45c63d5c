/**
 * The two rings of a lane, as one side uses them: it writes records into one ring
 * and reads the peer's records from the other.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import {
  LANE_HEAD,
  LANE_HEADER_BYTES,
  LANE_HEADERS,
  LANE_SLOT_BYTES,
  LANE_SLOTS,
  LANE_TAIL,
} from "../../proto/lane/layout.ts";
import { type LaneBytes, laneBytes } from "../../proto/lane/lane_memory.ts";
import {
  MAX_RECORD_SLOTS,
  RECORD_HEADER_BYTES,
  writeSkip,
} from "../../proto/lane/record.ts";
import type { NativeLane } from "../../ffi/lane.ts";

/** A direction of a lane: 0 is written by the side that has made the lane, 1 by the side that has opened it. */
export type Direction = 0 | 1;

/** The views of a lane's memory. */
export interface LaneViews extends LaneBytes {
  /** The counters: 32 bits each. */
  readonly counters: Int32Array<ArrayBuffer>;
}

/** Returns the views of a lane's memory. */
export function laneViews(memory: ArrayBuffer): LaneViews {
  return {
    ...laneBytes(new Uint8Array(memory)),
    counters: new Int32Array(memory, 0, memory.byteLength >> 2),
  };
}

/** Returns the index in {@link LaneViews.counters} of a counter of a direction. */
export function counterAt(direction: Direction, offset: number): number {
  return (LANE_HEADERS + LANE_HEADER_BYTES * direction + offset) / 4;
}

/** Returns where the slots of a direction begin, in bytes. */
export function slotsAt(direction: Direction, slots: number): number {
  return LANE_SLOTS + LANE_SLOT_BYTES * slots * direction;
}

/** Returns the error for a head that is not 0 to `slots` slots ahead of the tail. */
function impossible(head: number, tail: number, slots: number): RangeError {
  return new RangeError(
    `head = ${head}, tail = ${tail >>> 0}, in a ring of ${slots} slots`,
  );
}

/** Writes the records of one ring. It counts its slots itself, and does not read its own counter in the memory: the peer can change that. */
export class RingWriter {
  readonly #lane: NativeLane;
  readonly #views: LaneViews;
  readonly #slots: number;
  readonly #tailAt: number;
  readonly #start: number;
  /** The slots written so far, modulo 2^32. */
  #head = 0;
  /** How many of them the peer has not read, at most: it may have read more since this side last looked. */
  #unread = 0;
  /** The place that the last {@link reserve} has returned; -1 once it was committed. */
  #reserved = -1;
  /** How many slots before the ring's end that record skips. */
  #skip = 0;

  constructor(lane: NativeLane, views: LaneViews, direction: Direction) {
    this.#lane = lane;
    this.#views = views;
    this.#slots = lane.slots;
    this.#tailAt = counterAt(direction, LANE_TAIL);
    this.#start = slotsAt(direction, lane.slots);
  }

  /** The longest payload in this ring, in bytes: a record takes at most a quarter of the ring. */
  get maxPayload(): number {
    const slots = Math.min(this.#slots / 4, MAX_RECORD_SLOTS);
    return LANE_SLOT_BYTES * slots - RECORD_HEADER_BYTES;
  }

  /**
   * Returns where a record of `slots` slots can be written; `undefined` if there
   * is no room. Nothing is written before {@link commit}.
   *
   * @throws {RangeError} if the peer's tail is impossible: it has read more than was written
   */
  reserve(slots: number): number | undefined {
    const index = this.#head & (this.#slots - 1);
    const left = this.#slots - index;
    this.#skip = left < slots ? left : 0;
    const needed = this.#skip + slots;
    this.#reserved = -1;
    if (this.#unread + needed > this.#slots) {
      this.#unread = this.#look();
      if (this.#unread + needed > this.#slots) return undefined;
    }
    const start = this.#skip > 0 ? 0 : LANE_SLOT_BYTES * index;
    return this.#reserved = this.#start + start;
  }

  /** Returns how many slots the peer has not read. Called only when the ring seems full: the peer writes that counter, so to read it is slow. */
  #look(): number {
    const tail = Atomics.load(this.#views.counters, this.#tailAt);
    const unread = (this.#head - tail) >>> 0;
    if (unread <= this.#slots) return unread;
    throw impossible(this.#head, tail, this.#slots);
  }

  /**
   * Counts the record of `slots` slots that was written at `at`, and the slots that
   * it skips. {@link publish} shows it to the peer.
   *
   * @throws {BridgeError} `bad_argument` if `at` is not the place that the last
   * {@link reserve} has returned: a getter of the frame has sent another frame
   */
  commit(at: number, slots: number, after: number): void {
    if (at !== this.#reserved) {
      throw new BridgeError(
        "bad_argument",
        "Cannot send this frame: one of its getters has sent another frame; fill the frame with values before it is sent",
      );
    }
    this.#reserved = -1;
    if (this.#skip > 0) this.#writeSkip(after);
    this.#head = (this.#head + slots) >>> 0;
    this.#unread += slots;
  }

  #writeSkip(after: number): void {
    const index = this.#head & (this.#slots - 1);
    let at = this.#start + LANE_SLOT_BYTES * index;
    for (let left = this.#skip; left > 0;) {
      const slots = Math.min(left, MAX_RECORD_SLOTS);
      writeSkip(this.#views, at, after, slots);
      at += LANE_SLOT_BYTES * slots;
      left -= slots;
    }
    this.#head = (this.#head + this.#skip) >>> 0;
    this.#unread += this.#skip;
    this.#skip = 0;
  }

  /** Shows the peer all records, and rings its bell if it sleeps. */
  publish(): void {
    this.#lane.publish(this.#head);
  }
}

/** Reads the records of the ring that the peer writes. */
export class RingReader {
  readonly #views: LaneViews;
  readonly #slots: number;
  readonly #headAt: number;
  readonly #tailAt: number;
  readonly #start: number;
  /** The slots read so far, modulo 2^32. */
  #tail = 0;
  /** The peer's head when it was last looked at. */
  #head = 0;

  constructor(lane: NativeLane, views: LaneViews, direction: Direction) {
    this.#views = views;
    this.#slots = lane.slots;
    this.#headAt = counterAt(direction, LANE_HEAD);
    this.#tailAt = counterAt(direction, LANE_TAIL);
    this.#start = slotsAt(direction, lane.slots);
  }

  /** The peer's head when {@link look} was last called. */
  get seen(): number {
    return this.#head;
  }

  /** Whether the peer has moved its head since {@link look} was last called. */
  get hasMoved(): boolean {
    return Atomics.load(this.#views.counters, this.#headAt) >>> 0 !==
      this.#head;
  }

  /**
   * Looks at the peer's head. Returns the slots that can be read.
   *
   * @throws {RangeError} if that is more than the ring has: the peer's head is impossible
   */
  look(): number {
    this.#head = Atomics.load(this.#views.counters, this.#headAt) >>> 0;
    const ready = (this.#head - this.#tail) >>> 0;
    if (ready > this.#slots) {
      throw impossible(this.#head, this.#tail, this.#slots);
    }
    return ready;
  }

  /** The index of the next slot to be read. */
  get slot(): number {
    return this.#tail & (this.#slots - 1);
  }

  /** Where the next slot to be read is. */
  get at(): number {
    return this.#start + LANE_SLOT_BYTES * this.slot;
  }

  /** Goes on behind a record that was read. */
  advance(slots: number): void {
    this.#tail = (this.#tail + slots) >>> 0;
  }

  /** Tells the peer how far this side has read. */
  publish(): void {
    Atomics.store(this.#views.counters, this.#tailAt, this.#tail | 0);
  }
}
