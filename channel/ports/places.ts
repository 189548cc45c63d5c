/**
 * The frames that were acquired on a port and neither sent nor disposed, and the
 * places that they take: a port has a limited number of them.
 *
 * @module
 */

import { type Lease, LeaseList, type Lender } from "../memory/lease.ts";

/** Counts the places of one port. */
export class Places {
  readonly #port: Lender;
  readonly #leases = new LeaseList();
  #taken = 0;

  /** @param port the lender of its frames */
  constructor(port: Lender) {
    this.#port = port;
  }

  /** The places that are taken. */
  get taken(): number {
    return this.#taken;
  }

  /** A frame was acquired. `takes`: whether it takes a place. */
  add(lease: Lease, takes: boolean): void {
    lease.hasPlace = takes;
    if (takes) this.#taken++;
    this.#leases.add(lease);
  }

  /** Whether a frame was acquired on this port, and has its place. One of another port may have a place there. */
  has(lease: Lease): boolean {
    return lease.hasPlace && lease.lender === this.#port;
  }

  /** A frame, or a clone of it, was sent: it no longer counts as acquired. */
  give(lease: Lease): void {
    if (!this.has(lease)) return;
    lease.hasPlace = false;
    this.#taken--;
  }

  /** The lease of a frame of this port, or of a clone of one, has ended. Returns whether it was one that was acquired. */
  ended(lease: Lease): boolean {
    if (lease.hasPlace) this.#taken--;
    lease.hasPlace = false;
    return this.#leases.delete(lease);
  }

  /** The leases of all frames that were acquired, and neither sent nor disposed. */
  all(): Lease[] {
    return this.#leases.all();
  }
}
