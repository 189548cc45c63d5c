/**
 * The ends of lanes without this library's channel: what TypeScript can do with the
 * shim's functions alone. `bare_end.ts` has one without frames, `lean_end.ts` one with
 * the fewest objects that frames need.
 */

import {
  type Direction,
  laneViews,
  RingReader,
  RingWriter,
} from "../../../channel/lane/rings.ts";
import type { NativeLane } from "../../../ffi/lane.ts";

const MAX_SPIN_NS = 100_000;
/** The longest wait for the other end in a round, in milliseconds. */
const WAIT_MS = 10_000;
/** The longest wait for a round: all other subjects of the group may have theirs before it. */
const NEXT_ROUND_MS = 600_000;

/** What waits and looks at one end of a lane. */
export class RingEnd {
  readonly #lane: NativeLane;
  protected readonly view: DataView<ArrayBuffer>;
  protected readonly writer: RingWriter;
  protected readonly reader: RingReader;

  /** @param direction the one that it writes */
  constructor(lane: NativeLane, direction: Direction) {
    this.#lane = lane;
    const views = laneViews(lane.buffer);
    this.view = views.view;
    this.writer = new RingWriter(lane, views, direction);
    this.reader = new RingReader(lane, views, direction ? 0 : 1);
  }

  /** Returns where a record of `slots` slots can be written. Waits awake for room. */
  protected place(slots: number): number {
    const at = this.writer.reserve(slots);
    if (at !== undefined) return at;
    for (const end = performance.now() + WAIT_MS; performance.now() < end;) {
      const at = this.writer.reserve(slots);
      if (at !== undefined) return at;
    }
    throw new Error(`the other end has read nothing for ${WAIT_MS} ms`);
  }

  /**
   * Waits until a record of `slots` slots can be read.
   *
   * @param sleeps whether it waits asleep, as it must between rounds: awake it would
   * take a core from the subject that is measured meanwhile
   */
  protected await(slots: number, sleeps: boolean): void {
    if (this.reader.look() >= slots) return;
    const { seen } = this.reader;
    const waitMs = sleeps ? NEXT_ROUND_MS : WAIT_MS;
    if (sleeps) this.#lane.wait(seen, waitMs);
    else {
      const end = performance.now() + waitMs;
      while (this.#lane.spin(seen, MAX_SPIN_NS) === seen) {
        if (performance.now() > end) break;
      }
    }
    if (this.reader.look() >= slots) return;
    throw new Error(`the other end has written nothing for ${waitMs} ms`);
  }
}
