/**
 * One end of a lane without frames: it writes and reads nine numbers, and knows no
 * schema, lease, port or check. It is the least that TypeScript can do with the
 * shim's functions, so it shows what a frame costs beside them.
 */

import {
  type Direction,
  type LaneViews,
  laneViews,
  RingReader,
  RingWriter,
} from "../../../channel/lane/rings.ts";
import type { NativeLane } from "../../../ffi/lane.ts";

/** The slots of a record: two, as many as a frame of 64 bytes takes with its header. */
const SLOTS = 2;
const MAX_SPIN_NS = 100_000;
/** The longest wait for the other end in a round, in milliseconds. */
const WAIT_MS = 10_000;
/** The longest wait for a round: all other subjects of the group may have theirs before it. */
const NEXT_ROUND_MS = 600_000;
/** The number that ends the other end. */
const STOP = 0xffff_ffff;

/** What is in a record, as far as it matters. */
export interface BareRecord {
  readonly number: number;
  readonly sentUs: number;
}

/** One end of a lane. */
export class BareEnd {
  readonly #lane: NativeLane;
  readonly #views: LaneViews;
  readonly #writer: RingWriter;
  readonly #reader: RingReader;

  /** @param direction the one that it writes */
  constructor(lane: NativeLane, direction: Direction) {
    this.#lane = lane;
    this.#views = laneViews(lane.buffer);
    this.#writer = new RingWriter(lane, this.#views, direction);
    this.#reader = new RingReader(lane, this.#views, direction ? 0 : 1);
  }

  /** Writes a record. Waits awake for room. */
  send(number: number, sentUs: number): void {
    const { view } = this.#views;
    const at = this.#writer.reserve(SLOTS) ?? this.#room();
    view.setUint32(at, number, true);
    view.setUint32(at + 4, 0, true);
    view.setFloat64(at + 8, sentUs, true);
    view.setFloat64(at + 16, 0.25, true);
    view.setFloat64(at + 24, -0.5, true);
    view.setFloat64(at + 32, number, true);
    view.setFloat64(at + 40, 0, true);
    view.setFloat64(at + 48, 9.81, true);
    view.setFloat64(at + 56, -1, true);
    this.#writer.commit(at, SLOTS, 0);
    this.#writer.publish();
  }

  /** Ends the other end, which is waiting for a record. */
  stop(): void {
    this.send(STOP, 0);
  }

  #room(): number {
    for (const end = performance.now() + WAIT_MS; performance.now() < end;) {
      const at = this.#writer.reserve(SLOTS);
      if (at !== undefined) return at;
    }
    throw new Error(`the other end has read nothing for ${WAIT_MS} ms`);
  }

  /**
   * Reads the next record. Returns `undefined` if it was the last.
   *
   * @param sleeps whether it waits asleep, as it must between rounds: awake it would
   * take a core from the subject that is measured meanwhile
   */
  receive(sleeps: boolean): BareRecord | undefined {
    if (this.#reader.look() < SLOTS) this.#await(sleeps);
    const { view } = this.#views;
    const { at } = this.#reader;
    const number = view.getUint32(at, true) + view.getUint32(at + 4, true);
    const sentUs = view.getFloat64(at + 8, true);
    let sum = 0;
    for (let field = 16; field < 64; field += 8) {
      sum += view.getFloat64(at + field, true);
    }
    this.#reader.advance(SLOTS);
    this.#reader.publish();
    if (Number.isNaN(sum)) throw new Error("a number has not come");
    return number === STOP ? undefined : { number, sentUs };
  }

  #await(sleeps: boolean): void {
    const { seen } = this.#reader;
    const waitMs = sleeps ? NEXT_ROUND_MS : WAIT_MS;
    if (sleeps) this.#lane.wait(seen, waitMs);
    else {
      const end = performance.now() + waitMs;
      while (this.#lane.spin(seen, MAX_SPIN_NS) === seen) {
        if (performance.now() > end) break;
      }
    }
    if (this.#reader.look() >= SLOTS) return;
    throw new Error(`the other end has written nothing for ${waitMs} ms`);
  }
}
