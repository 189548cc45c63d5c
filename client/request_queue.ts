/**
 * The requests of the host that wait for their turn: changes of settings, and
 * calls. They are handled in their order, between the processor's functions, and
 * after the frames that came before them were read.
 *
 * @module
 */

import type { Activity } from "../channel/activity.ts";

/** After so many patient looks in which nothing was read, a request that is not due is handled. */
const MAX_IDLE_LOOKS = 64;

/** A request of the host. */
export interface QueuedRequest {
  /** Whether the frames that came before it were read, or will not be. */
  isDue(): boolean;
  /** Handles it. Throws only what the processor's own hook throws. */
  run(): Promise<void>;
}

/** Keeps requests until they are handled. */
export class RequestQueue {
  readonly #activity: Activity;
  #queue: QueuedRequest[] = [];
  /** The number of frames read at the last look that found a request not due. */
  #readBefore: number | undefined;
  #idleLooks = 0;

  /** @param activity changes when a request comes */
  constructor(activity: Activity) {
    this.#activity = activity;
  }

  /** Whether a request waits. */
  get hasAny(): boolean {
    return this.#queue.length > 0;
  }

  /** Whether the oldest one is due. */
  get hasDue(): boolean {
    return this.#queue[0]?.isDue() === true;
  }

  /** Adds a request. */
  push(request: QueuedRequest): void {
    this.#queue.push(request);
    this.#activity.changed();
  }

  /** Removes a request, if it still waits. */
  remove(request: QueuedRequest): void {
    this.#queue = this.#queue.filter((one) => one !== request);
  }

  /**
   * Handles the requests that are due. A loop calls it between the processor's
   * functions. If nothing was read since the last look, it handles all requests:
   * they do not wait for frames that the processor leaves unread.
   *
   * @param read the number of frames read so far
   * @param how `all`: also those that are not due. `patient`: waits longer for a
   * frame to be read, because a function of the processor is running
   */
  async look(
    read: number,
    how: "due" | "patient" | "all" = "due",
  ): Promise<void> {
    while (this.#queue.length > 0) {
      const [first] = this.#queue as [QueuedRequest];
      if (how !== "all" && !first.isDue() && !this.#hasWaited(read, how)) {
        return;
      }
      this.#queue.shift();
      await first.run();
    }
    this.#readBefore = undefined;
  }

  #hasWaited(read: number, how: "due" | "patient"): boolean {
    this.#idleLooks = read === this.#readBefore ? this.#idleLooks + 1 : 0;
    this.#readBefore = read;
    return this.#idleLooks >= (how === "due" ? 1 : MAX_IDLE_LOOKS);
  }
}
