/**
 * How one side waits for the records of the other: awake for a short time, or
 * asleep until its bell rings.
 *
 * Asleep is the state in which the event loop may wait for other things: then the
 * peer rings. Awake is the state of code that looks for records by itself. What
 * stays awake is put to sleep at the end of the turn of the event loop.
 *
 * @module
 */

import { LANE_MAX_RINGS } from "../../proto/lane/layout.ts";
import type { NativeLane } from "../../ffi/lane.ts";
import type { RingReader } from "./rings.ts";

/** How often to look before the shim waits awake: about a microsecond. */
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

  /** @param sleeps whether it never waits awake */
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
    if (this.#rings > this.#lane.announcements + LANE_MAX_RINGS) {
      this.#events.misused(
        `it has rung the bell of this side ${this.#rings} times, asked ${this.#lane.announcements} times`,
      );
      return;
    }
    this.#wake();
    this.#events.read();
    this.#sleep();
  }

  /**
   * Waits awake for a short time, if that is likely to be worth it. Returns whether
   * the peer has written something, which was then read. Otherwise this side is
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
      this.#events.misused("it rings the bell of this side for nothing");
    } else {
      this.#sleep();
      if (why === "events") this.#events.drain();
    }
  }

  #shut(): void {
    this.#events.misused("it has shut the bell of this side down");
  }

  /** Reads what has come, and stays awake until the end of this turn of the event loop: more may come soon. Then others get their turn, also if the peer writes without end. */
  #found(): boolean {
    if (!this.#endsTurn) {
      this.#endsTurn = true;
      setImmediate(() => {
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
