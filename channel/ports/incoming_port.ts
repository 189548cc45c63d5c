/**
 * An incoming port, between its transport and its queue: it puts received frames
 * into the queue and confirms them to their sender. Both transports use it.
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

/** Puts the frames of one port into its queue, and confirms them. */
export class IncomingPort implements Lender {
  readonly name: string;
  leaseCount = 0;
  readonly queue: FrameQueue;
  /** How both sides use the port; undefined before there is a peer. */
  terms: PortTerms | undefined;
  readonly #events: IncomingEvents;
  /** On a port in order: the leases of the frames without memory of their sender. */
  readonly #bare = new LeaseList();
  /** How many of these leases have ended. */
  #ended = 0;
  /** On a port that skips to the latest: the ids of the frames that were put and not confirmed yet. */
  #unconfirmed: Id[] = [];
  /** What these frames cost, in bytes. */
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
   * Puts a frame into the queue. A frame without memory of its sender is confirmed by
   * its id, so that the sender knows that there is room. On a port in order that is
   * when the frame was disposed. On a port that skips to the latest it can be at once:
   * the queue makes room by dropping older frames.
   *
   * @param id its id on the sender's side
   * @param frame made by the queue
   * @param cost what its message costs, in bytes
   * @param hasPeersMemory whether it has memory of its sender; then the releases of that memory confirm it
   */
  put(
    id: Id,
    frame: LeasedFrame,
    lease: Lease,
    cost: number,
    hasPeersMemory: boolean,
  ): void {
    const { queue } = this;
    if (hasPeersMemory || queue.inOrder) {
      lease.held = queue.held;
      lease.held.count++;
    }
    if (!hasPeersMemory && queue.inOrder) {
      lease.confirms = id;
      this.#bare.add(lease);
    }
    queue.put(frame, cost);
    if (!hasPeersMemory && !queue.inOrder) this.#confirm(id, cost);
  }

  /** Ends the lease of a frame that cannot be read. The transport releases the memory that it names. */
  discard(lease: Lease): void {
    this.#discarded = lease;
    lease.end("disposed");
  }

  /** The sender has ended the port. */
  end(): void {
    this.#confirmAll(); // no frame follows that they could be confirmed with
    this.queue.putEnd();
  }

  /** Confirms a frame together with others of its port: fewer messages, but early enough that the sender need not wait. */
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

  /** The lease of a frame has ended. The table has got back those pieces of the frame that nobody else holds. */
  leaseEnded(lease: Lease): void {
    if (lease === this.#discarded) return;
    const { releases } = this.#events;
    const { original } = lease;
    // A clone keeps the memory, but a frame without memory is confirmed without its clones.
    const isGivenBack = --original.leases === 0 || lease.confirms !== undefined;
    if (isGivenBack && original.held) {
      original.held.count--;
      original.held = undefined;
    }
    if (this.#bare.delete(lease)) {
      // A sender that has much room left need not be told of each frame at once.
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
