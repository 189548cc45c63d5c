/**
 * Notices a client that hangs: it is busy, and for a given time it sends nothing and
 * does not answer.
 *
 * @module
 */

import type { Timer, TimerClock } from "../ffi/clock.ts";

/** A client that is watched. */
export interface WatchedClient {
  readonly clock: TimerClock;
  /** Whether frames or requests wait for it, or one of its functions runs. */
  isBusy(): boolean;
  /** Returns a number that changes whenever something has come from it. */
  heard(): number;
  /** Whether it cannot run: a signal has stopped it, or a debugger holds it. */
  isStopped(): boolean;
  /** Asks it for a sign of life. */
  ask(): void;
  /** It hangs. Called once. */
  hangs(): void;
}

/** The number of looks within the time limit. A look that comes late by more than one interval says nothing about the client: this process did not run either. */
const LOOKS = 8;

/** Watches one client from the first frame to its end. */
export class HangWatch {
  readonly #client: WatchedClient;
  readonly #limitMs: number;
  readonly #intervalMs: number;
  #timer: Timer;
  /** When the last look was. */
  #lookedAt: number;
  /** Since when nothing has come while it is busy. */
  #quietSince: number;
  #heard: number;
  #hasAsked = false;

  /** Begins at once. */
  constructor(client: WatchedClient, limitMs: number) {
    this.#client = client;
    this.#limitMs = limitMs;
    this.#intervalMs = limitMs / LOOKS;
    this.#lookedAt = this.#quietSince = client.clock.now();
    this.#heard = client.heard();
    this.#timer = this.#later();
  }

  /** Ends the watch. */
  stop(): void {
    this.#timer.cancel();
  }

  #later(): Timer {
    return this.#client.clock.after(this.#intervalMs, () => this.#look());
  }

  #look(): void {
    const client = this.#client;
    const now = client.clock.now();
    const isLate = now - this.#lookedAt > 2 * this.#intervalMs;
    const heard = client.heard();
    this.#lookedAt = now;
    if (
      isLate || heard !== this.#heard || !client.isBusy() ||
      client.isStopped()
    ) {
      this.#heard = heard;
      this.#quietSince = now;
      this.#hasAsked = false;
    }
    const quietMs = now - this.#quietSince;
    if (quietMs >= this.#limitMs && this.#hasAsked) return client.hangs();
    if (!this.#hasAsked && quietMs >= this.#limitMs / 2) {
      this.#hasAsked = true;
      client.ask();
    }
    this.#timer = this.#later();
  }
}
