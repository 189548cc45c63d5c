/**
 * Those who wait for room on a sending port.
 *
 * @module
 */

/** The most spins of one wait for room. Without a limit, a peer could keep this side spinning with records that give no room. */
const MAX_SPINS = 4;

/** What a wait needs from its channel. */
export interface RoomChannel {
  /** Whether frames can be sent. */
  readonly isOpen: boolean;
  /** Handles what the peer has released, if nothing else tells of it. */
  poll(): void;
  /** Waits awake for a short time, if that is likely to be worth it. Returns whether something has come, and was handled. */
  spin(): boolean;
  /** Resolves when the event loop has had a turn, if it is time for one; else `undefined`. */
  turn(): Promise<void> | undefined;
  /** Somebody begins to wait for room, or acquires a frame without it. */
  mayStall(): void;
}

/** Promises of room, each with what it waits for. */
export class RoomWaits {
  readonly #channel: RoomChannel;
  readonly #over: () => Error | undefined;
  readonly #waits = new Map<() => boolean, PromiseWithResolvers<void>>();

  /** @param over returns why there will be no room, if that is so */
  constructor(channel: RoomChannel, over: () => Error | undefined) {
    this.#channel = channel;
    this.#over = over;
  }

  /**
   * Resolves when there is room and the event loop has had its turns; rejects when
   * there will be none.
   *
   * @param hasRoom the same function gives the same promise
   */
  until(hasRoom: () => boolean): Promise<void> {
    const comes = !this.#over() && this.#comes(hasRoom); // may end the channel
    const over = this.#over();
    if (over) return Promise.reject(over);
    // A peer that releases as fast as this side sends must not keep commands and timers waiting.
    if (comes) return this.#channel.turn() ?? Promise.resolve();
    const room = this.#wait(hasRoom);
    this.#channel.mayStall();
    return room;
  }

  /** Rejects when there will be no room; never resolves. */
  get end(): Promise<void> {
    const over = this.#over();
    return over ? Promise.reject(over) : this.#wait(never);
  }

  /** Whether there is room. If not, waits awake for it, if it is likely to come soon. */
  #comes(hasRoom: () => boolean): boolean {
    const channel = this.#channel;
    if (channel.isOpen) channel.poll();
    for (let spins = 0; !hasRoom(); spins++) {
      if (spins === MAX_SPINS || !channel.isOpen || !channel.spin()) {
        return false;
      }
    }
    return true;
  }

  #wait(hasRoom: () => boolean): Promise<void> {
    let wait = this.#waits.get(hasRoom);
    if (!wait) {
      wait = Promise.withResolvers();
      wait.promise.catch(() => {}); // reported to whoever awaits it
      this.#waits.set(hasRoom, wait);
    }
    return wait.promise;
  }

  /** Whether somebody waits for this room. */
  isAwaited(hasRoom: () => boolean): boolean {
    return this.#waits.has(hasRoom);
  }

  /** There may be more room. */
  changed(): void {
    if (this.#waits.size === 0) return;
    for (const [hasRoom, wait] of this.#waits) {
      if (!hasRoom()) continue;
      this.#waits.delete(hasRoom);
      wait.resolve();
    }
  }

  /** There will be no room: all promises reject. */
  fail(error: Error): void {
    for (const wait of this.#waits.values()) wait.reject(error);
    this.#waits.clear();
  }
}

function never(): boolean {
  return false;
}
