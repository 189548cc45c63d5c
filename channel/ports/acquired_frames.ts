/**
 * The frames that were acquired on a port and neither sent nor disposed, and how
 * many of the port's places they take. The number of places is limited.
 *
 * @module
 */

import { type Lease, LeaseList, type Lender } from "../memory/lease.ts";

/** Keeps the leases of the acquired frames of one port, and counts the places that they take. */
export class AcquiredFrames {
  readonly #port: Lender;
  readonly #leases = new LeaseList();
  #taken = 0;
  #freed = 0;

  /** @param port the lender of its frames */
  constructor(port: Lender) {
    this.#port = port;
  }

  /** How many places are taken. */
  get taken(): number {
    return this.#taken;
  }

  /** The places that were taken and are free again, so far. */
  get freed(): number {
    return this.#freed;
  }

  /** A frame was acquired. `takes`: whether it takes a place. */
  add(lease: Lease, takes: boolean): void {
    lease.hasPlace = takes;
    if (takes) this.#taken++;
    this.#leases.add(lease);
  }

  /** Whether a frame has a place on this port. A frame of another port may have a place on that one. */
  has(lease: Lease): boolean {
    return lease.hasPlace && lease.lender === this.#port;
  }

  /** A frame, or a clone of it, was sent: it no longer counts as acquired. */
  give(lease: Lease): void {
    if (this.has(lease)) this.#free(lease);
  }

  /** The lease of a frame of this port, or of a clone, has ended. Returns whether it was that of an acquired frame. */
  ended(lease: Lease): boolean {
    if (lease.hasPlace) this.#free(lease);
    return this.#leases.delete(lease);
  }

  #free(lease: Lease): void {
    lease.hasPlace = false;
    this.#taken--;
    this.#freed++;
  }

  /** The leases of all frames that were acquired, and neither sent nor disposed. */
  all(): Lease[] {
    return this.#leases.all();
  }
}
