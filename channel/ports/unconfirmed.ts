/**
 * The frames of one port that were sent and that the receiver has not released.
 * What was sent cannot be withdrawn, so their number and their bytes are bounded.
 *
 * @module
 */

import {
  MAX_UNCONFIRMED_BYTES,
  MAX_UNCONFIRMED_FRAMES,
} from "../../proto/limits.ts";
import type { Id } from "../../proto/wire/xpc_value.ts";
import { BareFlights } from "./bare_flights.ts";
import type { Flight } from "./flight.ts";

/** Counts what a port has unconfirmed. */
export class Unconfirmed {
  #count = 0;
  /** What the frames cost, in bytes. */
  #cost = 0;
  /** The frames without memory, which the receiver releases by their id. */
  readonly #bare = new BareFlights();

  /** The number of frames. */
  get count(): number {
    return this.#count;
  }

  /** The number of frames that the receiver keeps: without those that it confirms when they arrive. */
  kept(inOrder: boolean): number {
    return inOrder ? this.#count : this.#count - this.#bare.count;
  }

  /**
   * Whether one more frame may be sent. A frame with memory is released after it
   * was read, so the receiver may keep as many as its queue has places, and the
   * one that is read. A frame without memory is confirmed when it arrives.
   */
  allows(inOrder: boolean, capacity: number, isShared: boolean): boolean {
    if (this.#count === 0) return true;
    if (this.#cost >= MAX_UNCONFIRMED_BYTES) return false;
    if (inOrder) return true; // its port has counted it
    const most = isShared
      ? capacity + 1
      : Math.min(capacity, MAX_UNCONFIRMED_FRAMES);
    return this.#count < most;
  }

  /** A frame was sent. */
  add(id: number, flight: Flight): void {
    this.#count++;
    this.#cost += flight.cost;
    if (flight.isBare) this.#bare.add(id, flight);
  }

  /** Returns the frame that is released by this id, once. */
  takeBare(id: Id): Flight | undefined {
    return this.#bare.take(id);
  }

  /** A frame was released. */
  remove({ cost }: Flight): void {
    this.#count--;
    this.#cost -= cost;
  }

  /** The receiver is gone. */
  clear(): void {
    this.#bare.clear();
    this.#count = 0;
    this.#cost = 0;
  }
}
