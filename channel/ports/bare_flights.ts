/**
 * The bare flights of one port: frames without shared memory that were sent and not
 * released. Their receiver has no memory to release, so it releases them by their id.
 *
 * @module
 */

import type { Id } from "../../proto/wire/xpc_value.ts";
import type { Flight } from "./flight.ts";

/** How many taken flights collect at the front of the list, at least, before they are removed from it. */
const MANY_FREE = 64;

/** Finds flights by their ids. Most are released in the order of sending. */
export class BareFlights {
  /** The ids of the flights, in the order of sending. No two are further apart than 2^32. */
  #ids: number[] = [];
  /** The flights, at the same positions; undefined once taken. */
  #flights: (Flight | undefined)[] = [];
  /** The position of the oldest flight that was not taken. */
  #first = 0;
  #count = 0;

  /** The number of flights. */
  get count(): number {
    return this.#count;
  }

  /** Adds a flight, whose id follows those of all others. */
  add(id: number, flight: Flight): void {
    this.#ids.push(id);
    this.#flights.push(flight);
    this.#count++;
  }

  /** Takes the flight with an id out. Returns undefined if there is none. */
  take(id: Id): Flight | undefined {
    const at = this.#find(id);
    const flight = this.#flights[at];
    if (!flight) return undefined;
    this.#flights[at] = undefined;
    this.#count--;
    if (at === this.#first) this.#advance();
    return flight;
  }

  #find(id: Id): number {
    const ids = this.#ids;
    const oldest = ids[this.#first];
    if (id === oldest) return this.#first;
    if (oldest === undefined || id !== Number(id) >>> 0) return -1;
    // By the distance from the oldest one: ids begin again after 2^32.
    const distance = (Number(id) - oldest) >>> 0;
    let from = this.#first, to = ids.length - 1;
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((ids[middle]! - oldest) >>> 0 < distance) from = middle + 1;
      else to = middle;
    }
    return ids[from] === id ? from : -1;
  }

  #advance(): void {
    const flights = this.#flights;
    let first = this.#first;
    do first++; while (first < flights.length && !flights[first]);
    if (first === flights.length) return this.clear();
    if (first >= MANY_FREE && 2 * first >= flights.length) {
      flights.splice(0, first);
      this.#ids.splice(0, first);
      first = 0;
    }
    this.#first = first;
  }

  /** Forgets all. */
  clear(): void {
    this.#ids.length = 0;
    this.#flights.length = 0;
    this.#first = 0;
    this.#count = 0;
  }
}
