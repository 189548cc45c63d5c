/**
 * The frames that a port has received and nobody has read, oldest first, with what
 * they cost.
 *
 * @module
 */

import { Fifo } from "../fifo.ts";
import { MAX_UNREAD_BYTES } from "../../proto/limits.ts";

/** A queue that is bounded in number and in bytes. Its owner asks before it adds a frame. */
export class UnreadFrames<F> {
  readonly #frames = new Fifo<F>();
  /** What each of them costs, in bytes. */
  readonly #costs = new Fifo<number>();
  /** What all frames cost, in bytes. */
  #cost = 0;
  /** The frames that an earlier peer has sent. The current peer does not count them. */
  #inherited = { count: 0, cost: 0 };

  /** The number of frames. */
  get size(): number {
    return this.#frames.size;
  }

  /** Adds a frame, whose message costs `cost` bytes. */
  push(frame: F, cost: number): void {
    this.#frames.push(frame);
    this.#costs.push(cost);
    this.#cost += cost;
  }

  /** Takes the oldest frame. */
  shift(): F | undefined {
    if (this.#frames.size === 0) return undefined;
    const cost = this.#costs.shift();
    this.#cost -= cost;
    if (this.#inherited.count > 0) {
      this.#inherited.count--;
      this.#inherited.cost -= cost;
    }
    return this.#frames.shift();
  }

  /** Whether there is no room for another frame, in number or in bytes. */
  isFull(capacity: number): boolean {
    return isFull(this.size, this.#cost, capacity);
  }

  /** Whether the frames of the current peer alone leave no room for another one. */
  hasNoRoomForPeer(capacity: number): boolean {
    const { count, cost } = this.#inherited;
    return isFull(this.size - count, this.#cost - cost, capacity);
  }

  /** Whether there is more than one peer may leave to the next one. */
  isOverfull(capacity: number): boolean {
    return this.size > capacity || this.#cost > 2 * MAX_UNREAD_BYTES;
  }

  /** The peer is gone: from now on all frames are those of an earlier one. */
  inherit(): void {
    this.#inherited = { count: this.size, cost: this.#cost };
  }
}

function isFull(count: number, cost: number, capacity: number): boolean {
  return count >= capacity || cost >= MAX_UNREAD_BYTES;
}
