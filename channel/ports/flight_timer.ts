/**
 * Measures the latency of frames, from sending to release. Of each port it measures
 * one frame at a time: to read the clock for every frame would slow sending down.
 *
 * @module
 */

import type { TimerClock } from "../../ffi/clock.ts";
import type { LatencyWindow } from "../latency_window.ts";
import type { Flight } from "./flight.ts";

/** Measures some flights of one port, one at a time. */
export class FlightTimer {
  readonly #clock: TimerClock;
  readonly #latency: LatencyWindow;
  /** The flight that is measured. */
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

  /** A frame was released. Only if `wasRead`, its time is a latency and is recorded. */
  landed(flight: Flight, wasRead: boolean): void {
    if (flight !== this.#flight) return;
    this.#flight = undefined;
    if (wasRead) this.#latency.record(this.#clock.now() - this.#sentAt);
  }

  /** The receiver is gone: it will release no frame. */
  clear(): void {
    this.#flight = undefined;
  }
}
