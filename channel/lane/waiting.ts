/**
 * How one side waits for the records of the other: **awake**, it looks at the lane's
 * memory again and again for a short time; **asleep**, it waits for its bell.
 *
 * The peer rings only a side that has announced sleep. So a side must be asleep
 * whenever its event loop waits. One that is still awake is put to sleep at the end
 * of the event loop's turn.
 *
 * @module
 */

import { inLaterTurn } from "../../ffi/turns.ts";
import { LANE_MAX_RINGS } from "../../proto/lane/layout.ts";
import { amount } from "../../proto/schema/schema_place.ts";
import type { NativeLane } from "../../ffi/lane.ts";
import type { RingReader } from "./rings.ts";

/** How often JavaScript looks before the shim goes on waiting awake: it takes about a microsecond. */
const LOOKS = 64;
/** The longest wait awake, in nanoseconds. */
const MAX_SPIN_NS = 100_000;

/** What waits need from their lane. */
export interface WaitingEvents {
  /** Handles the records that can be read. */
  read(): void;
  /** Called before a wait that may be long. */
  sleeps(): void;
  /** Handles the messages and other events of XPC that wait. */
  drain(): void;
  /** The peer has misused the bell; `why` says how. */
  misused(why: string): void;
}

/** Waits for the records of one lane. */
export class LaneWaiting {
  readonly #lane: NativeLane;
  readonly #reader: RingReader;
  readonly #sleeps: boolean;
  readonly #events: WaitingEvents;
  /** A lane begins asleep. */
  #isAwake = false;
  #endsTurn = false;
  #rings = 0;
  #isOver = false;

  /** @param sleeps whether this side never waits awake */
  constructor(
    lane: NativeLane,
    reader: RingReader,
    sleeps: boolean,
    events: WaitingEvents,
  ) {
    this.#lane = lane;
    this.#reader = reader;
    this.#sleeps = sleeps;
    this.#events = events;
    lane.listen((count) => this.#rung(count), () => this.#shut());
  }

  #rung(count: number): void {
    if (this.#isOver) return;
    this.#rings += count;
    const { announcements } = this.#lane;
    const allowed = announcements + LANE_MAX_RINGS;
    if (this.#rings > allowed) {
      this.#events.misused(
        `it has rung the bell of this side ${this.#rings} times (allowed: ${allowed}, since this side has announced sleep ${
          amount(announcements, "time")
        })`,
      );
      return;
    }
    this.#wake();
    this.#events.read();
    this.#sleep();
  }

  /**
   * Waits awake for a short time, if a record is likely to come in it. Returns
   * whether one has come; all that have come were then read. Otherwise this side is
   * asleep.
   */
  spin(): boolean {
    if (this.#isOver) return false;
    this.#wake();
    if (!this.#sleeps && this.#seesMove()) return this.#found();
    this.#events.sleeps();
    return this.#sleep();
  }

  /** Waits awake. Returns whether the peer has written something. */
  #seesMove(): boolean {
    for (let look = 0; look < LOOKS; look++) {
      if (this.#reader.hasMoved) return true;
    }
    const { seen } = this.#reader;
    return this.#lane.spin(seen, MAX_SPIN_NS) !== seen;
  }

  /** Blocks this thread until the peer has written something, events wait on the queue, or `ms` milliseconds have passed. Handles what has come. */
  block(ms: number): void {
    if (this.#isOver) return;
    const why = this.#lane.wait(this.#reader.seen, ms);
    this.#isAwake = true;
    if (why === "moved") this.#found();
    else if (why === "shut") this.#shut();
    else if (why === "flood") {
      this.#events.misused(
        "it has rung the bell of this side again and again without writing a record",
      );
    } else {
      this.#sleep();
      if (why === "events") this.#events.drain();
    }
  }

  #shut(): void {
    this.#events.misused(
      "it has shut the bell of this side down, which must stay open while the lane is used",
    );
  }

  /** Reads what has come, and stays awake until the end of this turn of the event loop, because more may come soon. It does not stay awake longer: a peer that writes without end must not keep the event loop from other work. */
  #found(): boolean {
    if (!this.#endsTurn) {
      this.#endsTurn = true;
      inLaterTurn(() => {
        this.#endsTurn = false;
        if (!this.#isOver) this.#sleep();
      });
    }
    this.#events.read();
    return true;
  }

  #wake(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    this.#lane.wake();
  }

  /** Announces sleep. Returns whether that was not possible, because something had come, which was then read. */
  #sleep(): boolean {
    if (!this.#isAwake || this.#isOver) return false;
    this.#isAwake = !this.#lane.sleep(this.#reader.seen);
    return this.#isAwake && this.#found();
  }

  /** Ends all waits. */
  end(): void {
    this.#isOver = true;
  }
}
