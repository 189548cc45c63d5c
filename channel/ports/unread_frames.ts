/**
 * The frames that a port has received and nobody has read, oldest first, with what
 * they cost.
 *
 * @module
 */

import { MAX_UNREAD_BYTES } from "../../proto/limits.ts";

/** A queue that is bounded in number and in bytes. Its owner asks before it adds a frame. */
export class UnreadFrames<F> {
  #frames: { readonly frame: F; readonly cost: number }[] = [];
  /** What all frames cost, in bytes. */
  #cost = 0;
  /** The frames that an earlier peer has sent. The current peer does not count them. */
  #inherited = { count: 0, cost: 0 };

  /** The number of frames. */
  get size(): number {
    return this.#frames.length;
  }

  /** Adds a frame, whose message costs `cost` bytes. */
  push(frame: F, cost: number): void {
    this.#frames.push({ frame, cost });
    this.#cost += cost;
  }

  /** Takes the oldest frame. */
  shift(): F | undefined {
    const oldest = this.#frames.shift();
    if (!oldest) return undefined;
    this.#cost -= oldest.cost;
    if (this.#inherited.count > 0) {
      this.#inherited.count--;
      this.#inherited.cost -= oldest.cost;
    }
    return oldest.frame;
  }

  /** Takes all frames. */
  takeAll(): F[] {
    const frames = this.#frames.map(({ frame }) => frame);
    this.#frames = [];
    this.#cost = 0;
    this.#inherited = { count: 0, cost: 0 };
    return frames;
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
