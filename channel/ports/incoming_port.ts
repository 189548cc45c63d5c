/**
 * What is the same for the frames of an incoming port, whatever carries them: they
 * are put into the port's queue, and confirmed to their sender.
 *
 * @module
 */

import {
  MAX_UNCONFIRMED_BYTES,
  MAX_UNCONFIRMED_FRAMES,
} from "../../proto/limits.ts";
import type { PortTerms } from "../../proto/schema/port_agreement.ts";
import type { CopyCounter } from "../../proto/schema/surface_view.ts";
import type { Id } from "../../proto/wire/xpc_value.ts";
import { type Lease, LeaseList, type Lender } from "../memory/lease.ts";
import type { LeasedFrame } from "../memory/leased_frame.ts";
import type { Releases } from "../releases.ts";
import type { FrameQueue } from "../transport.ts";

/** What incoming ports need from their channel. */
export interface IncomingEvents {
  /** Counts the bytes of pixels that surfaces of received frames copy. */
  readonly copies: CopyCounter;
  /** The releases that this side owes. */
  readonly releases: Releases;
  /** User code has transferred a view of a frame that was received on this port. */
  givenAway(portName: string): void;
}

/** An incoming port, between its queue and what carries its frames. */
export class IncomingPort implements Lender {
  readonly name: string;
  leases = 0;
  readonly queue: FrameQueue;
  /** How both sides use the port; undefined before there is a peer. */
  terms: PortTerms | undefined;
  readonly #events: IncomingEvents;
  /** The frames in order that are on lease and have no memory of their sender. */
  readonly #bare = new LeaseList();
  /** How many of them have ended. */
  #ended = 0;
  /** The frames that were put and not confirmed yet. */
  #unconfirmed: Id[] = [];
  /** What they cost, in bytes. */
  #cost = 0;
  /** The lease of the last frame that was discarded. */
  #discarded: Lease | undefined;

  constructor(name: string, queue: FrameQueue, events: IncomingEvents) {
    this.name = name;
    this.queue = queue;
    this.#events = events;
  }

  get copies(): CopyCounter {
    return this.#events.copies;
  }

  /**
   * Puts a frame. A frame without memory of its sender is confirmed by its own id,
   * so that the sender knows that there is room: in order, when it was disposed;
   * else from now on, since the queue itself replaces it by a newer one.
   *
   * @param id its id on the sender's side
   * @param frame made by the queue
   * @param cost what its message costs, in bytes
   * @param hasPeersMemory whether it has memory of its sender. If so, the releases of the memory confirm it
   */
  put(
    id: Id,
    frame: LeasedFrame,
    lease: Lease,
    cost: number,
    hasPeersMemory: boolean,
  ): void {
    const { queue } = this;
    if (!hasPeersMemory && queue.inOrder) {
      lease.confirms = id;
      this.#bare.add(lease);
    }
    queue.put(frame, cost);
    if (!hasPeersMemory && !queue.inOrder) this.#confirm(id, cost);
  }

  /** Ends the lease of a frame that cannot be read. Its carrier releases what it names. */
  discard(lease: Lease): void {
    this.#discarded = lease;
    lease.end("disposed");
  }

  /** The sender has ended the port. */
  end(): void {
    this.#confirmAll(); // no frame follows that they could be confirmed with
    this.queue.putEnd();
  }

  /** Confirms a frame, with others of its port: before their sender has to wait, but not each alone. */
  #confirm(id: Id, cost: number): void {
    this.#unconfirmed.push(id);
    this.#cost += cost;
    const allowed = Math.min(this.queue.capacity, MAX_UNCONFIRMED_FRAMES);
    if (
      this.#unconfirmed.length < Math.floor(allowed / 2) &&
      this.#cost < MAX_UNCONFIRMED_BYTES / 2
    ) return;
    this.#confirmAll();
  }

  #confirmAll(): void {
    for (const id of this.#unconfirmed) this.#events.releases.frame(id);
    this.#unconfirmed = [];
    this.#cost = 0;
  }

  /** The pieces of the frame that nobody else holds were released to the table. */
  leaseEnded(lease: Lease): void {
    if (lease === this.#discarded) return;
    const { releases } = this.#events;
    if (this.#bare.delete(lease)) {
      // A sender that has much room left needs not be told of each frame.
      const isUrgent = ++this.#ended % (this.queue.capacity >> 2 || 1) === 0;
      releases.frame(lease.confirms!, isUrgent);
    } else releases.flush();
    if (lease.givenAway) this.#events.givenAway(this.name); // user code, which may throw
  }

  /** The peer is gone: its frames are not confirmed. */
  detach(): void {
    for (const lease of this.#bare.all()) this.#bare.delete(lease);
    this.#unconfirmed = [];
    this.#cost = 0;
  }
}
