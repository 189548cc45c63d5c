/**
 * The direction of a lane that this side writes.
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

/** The direction that the maker of a lane writes, and the one that the opener writes. */
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

/** Returns where the slots of a direction begin. */
export function slotsAt(direction: Direction, slots: number): number {
  return LANE_SLOTS + LANE_SLOT_BYTES * slots * direction;
}

/** Writes records. Keeps its position to itself: the peer can change what is in the memory. */
export class RingWriter {
  readonly #lane: NativeLane;
  readonly #views: LaneViews;
  readonly #slots: number;
  readonly #tailAt: number;
  readonly #start: number;
  /** The slots written so far, modulo 2^32. */
  #head = 0;
  /** The slots of them that were not read, at most. */
  #unread = 0;
  /** Where the last {@link reserve} was; -1 if it was committed. */
  #reserved = -1;
  /** The slots that it skips before the ring's end. */
  #skip = 0;

  constructor(lane: NativeLane, views: LaneViews, direction: Direction) {
    this.#lane = lane;
    this.#views = views;
    this.#slots = lane.slots;
    this.#tailAt = counterAt(direction, LANE_TAIL);
    this.#start = slotsAt(direction, lane.slots);
  }

  /** The longest payload of a record in this ring, in bytes: of a quarter of it. */
  get maxPayload(): number {
    const slots = Math.min(this.#slots / 4, MAX_RECORD_SLOTS);
    return LANE_SLOT_BYTES * slots - RECORD_HEADER_BYTES;
  }

  /**
   * Returns where a record of `slots` slots can be written; `undefined` if there
   * is no room. Nothing is written before {@link commit}.
   *
   * @throws {RangeError} if the peer has read what was not written
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

  /** Returns the slots that the peer has not read. It is asked only when it matters: its counter is in a line that it writes. */
  #look(): number {
    const tail = Atomics.load(this.#views.counters, this.#tailAt);
    const unread = (this.#head - tail) >>> 0;
    if (unread <= this.#slots) return unread;
    throw new RangeError(`${unread} slots of a ring of ${this.#slots} unread`);
  }

  /**
   * Takes the record of `slots` slots that was written at `at`, with what is skipped
   * before it. {@link publish} shows it.
   *
   * @throws {BridgeError} `bad_argument` if that is not where the last
   * {@link reserve} was: a frame whose fields are getters has sent another one
   */
  commit(at: number, slots: number, after: number): void {
    if (at !== this.#reserved) {
      throw new BridgeError(
        "bad_argument",
        "Cannot send this frame: another one was sent while its fields were read",
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

/** The direction of a lane that the peer writes. */
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
   * @throws {RangeError} if there are more than the ring has
   */
  look(): number {
    this.#head = Atomics.load(this.#views.counters, this.#headAt) >>> 0;
    const ready = (this.#head - this.#tail) >>> 0;
    if (ready > this.#slots) {
      throw new RangeError(
        `${ready} slots to be read in a ring of ${this.#slots}`,
      );
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
