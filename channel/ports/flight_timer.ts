/**
 * Measures how long frames are on their way: one of a port at a time, since a look
 * at the clock takes as long as much of a send.
 *
 * @module
 */

import type { TimerClock } from "../../ffi/clock.ts";
import type { LatencyWindow } from "../latency_window.ts";
import type { Flight } from "./flight.ts";

/** Times the flights of one port. */
export class FlightTimer {
  readonly #clock: TimerClock;
  readonly #latency: LatencyWindow;
  #flight: Flight | undefined;
  /** When it was sent, in milliseconds of the clock. */
  #sentAt = 0;

  constructor(clock: TimerClock, latency: LatencyWindow) {
    this.#clock = clock;
    this.#latency = latency;
  }

  /** A frame was sent. */
  sent(flight: Flight): void {
    if (this.#flight) return;
    this.#flight = flight;
    this.#sentAt = this.#clock.now();
  }

  /** A frame was released. `wasRead`: it says something about the latency. */
  landed(flight: Flight, wasRead: boolean): void {
    if (flight !== this.#flight) return;
    this.#flight = undefined;
    if (wasRead) this.#latency.record(this.#clock.now() - this.#sentAt);
  }

  /** No frame that was sent will be released. */
  clear(): void {
    this.#flight = undefined;
  }
}
