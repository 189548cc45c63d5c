/**
 * The places of a sending port: how many of its frames may be acquired, and how
 * many may be sent and not released yet.
 *
 * @module
 */

import {
  isInOrder,
  type PortTerms,
} from "../../proto/schema/port_agreement.ts";
import type { Lease, Lender } from "../memory/lease.ts";
import { AcquiredFrames } from "./acquired_frames.ts";
import { Unconfirmed } from "./unconfirmed.ts";

/** Counts the frames of one port that take a place. */
export class PortPlaces {
  /** Frames acquired and not yet sent or disposed. */
  readonly acquired: AcquiredFrames;
  /** Frames sent and not yet released. */
  readonly out = new Unconfirmed();
  /** Whether the frame that waits to be sent takes a place. */
  nextTakes = false;
  /** The places of frames that the last peer had and that may be sent again. */
  kept = 0;
  #inOrder = true;
  #capacity = 0;
  #limit = 0;
  /** How many places were free again when a frame was acquired while acquired frames took all; -1 if none was. */
  #shortAt = -1;

  /** @param port the lender of its frames */
  constructor(port: Lender, terms: PortTerms) {
    this.acquired = new AcquiredFrames(port);
    this.agree(terms);
  }

  /** Sets how both sides use the port. */
  agree(terms: PortTerms): void {
    this.#inOrder = isInOrder(terms);
    this.#capacity = terms.capacity;
    this.#limit = this.#inOrder ? terms.capacity : terms.capacity + 3;
  }

  /** Whether every frame is read, in the order of sending. */
  get inOrder(): boolean {
    return this.#inOrder;
  }

  /**
   * The most frames with memory that are held, wait or are out at one time. In
   * order: as many as the receiver can keep, so that it drops none. Else three
   * more: the frame that is read, the one that waits and the one that is filled.
   */
  get limit(): number {
    return this.#limit;
  }

  /** Whether one more frame may take a place. */
  get hasFree(): boolean {
    const { acquired, out } = this;
    const waiting = (this.nextTakes ? 1 : 0) + this.kept;
    return acquired.taken + out.count + waiting < this.#limit;
  }

  /** Frames sent and not released, but for those that the peer only has to confirm. */
  get withPeer(): number {
    return this.out.kept(this.#inOrder);
  }

  /** Whether one more frame may be sent. */
  maySend(isShared: boolean): boolean {
    return this.out.allows(this.#inOrder, this.#capacity, isShared);
  }

  /** Whether a frame is within the limit. A frame that was acquired on this port has a place already; the first of it and its clones that is sent uses that place. */
  takes({ original }: Lease): boolean {
    return this.acquired.has(original) || !this.#inOrder || this.hasFree;
  }

  /** A frame was acquired. */
  add(lease: Lease): void {
    if (lease.spare && this.isAllAcquired) this.#shortAt = this.acquired.freed;
    this.acquired.add(lease, !lease.spare && (this.#inOrder || lease.isShared));
  }

  /** A frame, or a clone of it, was sent. A clone uses the place of its original. */
  give(lease: Lease): void {
    this.acquired.give(lease.original);
  }

  // ---- whether the port stands still ----

  /** How many places acquired frames take. */
  get taken(): number {
    return this.acquired.taken;
  }

  /** The places that acquired frames took and that are free again, so far. */
  get freed(): number {
    return this.acquired.freed;
  }

  /** Whether acquired frames take all places. */
  get isAllAcquired(): boolean {
    return this.taken >= this.#limit;
  }

  /** Whether another frame was acquired since then. */
  get isShort(): boolean {
    return this.#shortAt === this.freed;
  }
}
