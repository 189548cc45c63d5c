/**
 * The lease of a frame: what one frame object holds, and the views that it shows.
 * When the lease ends, the views are detached: what is kept of them has length 0,
 * and shows no other frame.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import type { Id } from "../../proto/wire/xpc_value.ts";
import type { CopyCounter } from "../../proto/schema/surface_view.ts";
import type { Use } from "./piece.ts";

/** Why a lease has ended. */
export type LeaseEnd = "disposed" | "sent" | "dropped" | "closed";

const WHAT_HAPPENED: Readonly<Record<LeaseEnd, string>> = {
  disposed: "it was disposed",
  sent: "it was sent",
  dropped: "it was dropped, because its port could not take it",
  closed: "its channel was closed",
};

/** Who lends a frame. */
export interface Lender {
  /** The name of the frame's port. */
  readonly name: string;
  /** Counts the bytes of pixels that the frame's surfaces copy. */
  readonly copies: CopyCounter;
  /** The leases that have begun and not ended, clones included. */
  leaseCount: number;
  /** A lease has ended; its views are detached. */
  leaseEnded(lease: Lease): void;
}

/** The frames that one peer has sent and that keep a place at its port: unread, or on lease. */
export interface HeldFrames {
  /** How many there are. */
  count: number;
}

/** Most frames have no memory. */
const NO_VIEWS: readonly PieceView[] = Object.freeze([]);

/** Leases of one lender, in no order. A lease is in one list at most. */
export class LeaseList {
  readonly #leases: Lease[] = [];

  /** Adds a lease that is in no list. */
  add(lease: Lease): void {
    lease.index = this.#leases.length;
    this.#leases.push(lease);
  }

  /** Removes a lease. Returns whether it was in the list. */
  delete(lease: Lease): boolean {
    if (this.#leases[lease.index] !== lease) return false;
    const last = this.#leases.pop()!;
    if (last !== lease) {
      this.#leases[lease.index] = last;
      last.index = lease.index;
    }
    lease.index = -1;
    return true;
  }

  /** Returns the leases that are in the list now. */
  all(): Lease[] {
    return [...this.#leases];
  }
}

/** What a frame object holds. */
export class Lease {
  readonly lender: Lender;
  /** The pieces that the frame shows. */
  views: readonly PieceView[] = NO_VIEWS;
  /** Where it is in its {@link LeaseList}. */
  index = -1;
  /** Whether it counts against the limit of the port that it was acquired on. */
  hasPlace = false;
  /** The id by which its end confirms the frame to its sender; undefined if it does not. */
  confirms: Id | undefined;
  /** Whether the frame was acquired when there was no room: it is in private memory of this process, and is dropped when it is sent. */
  spare = false;
  /** Whether a view of the frame was transferred, as far as that is known. */
  givenAway = false;
  /** The lease that this one is a clone of, or a clone of a clone; itself if it is none. */
  readonly original: Lease;
  /** The leases of the same frame that have not ended: of an {@link original}, itself and its clones. */
  leases = 1;
  /** Where the frame counts, if it was received and keeps a place at its sender. */
  held: HeldFrames | undefined;
  #end: LeaseEnd | undefined;

  constructor(lender: Lender, original?: Lease) {
    this.lender = lender;
    this.original = original ?? this;
    lender.leaseCount++;
    if (original) original.leases++;
  }

  /** Whether the frame can be used. */
  get isHeld(): boolean {
    return this.#end === undefined;
  }

  /** Whether the frame can no longer be used because its channel was closed. */
  get isClosed(): boolean {
    return this.#end === "closed";
  }

  /** Whether the frame has shared memory. */
  get isShared(): boolean {
    return this.views.length > 0 && !this.spare;
  }

  /** Shows a piece in the frame. Takes the hold on `use` over. Throws `native_failure` if the memory cannot be locked. */
  show(use: Use, readOnly: boolean): PieceView {
    try {
      const view = new PieceView(this, use, readOnly);
      if (this.views === NO_VIEWS) this.views = [];
      (this.views as PieceView[]).push(view);
      return view;
    } catch (error) {
      use.release();
      throw error;
    }
  }

  /** Returns the view whose memory `buffer` is. */
  viewOf(buffer: ArrayBufferLike): PieceView | undefined {
    return this.views.find((view) => view.isOf(buffer));
  }

  /** Ends the lease, once: detaches all views and releases what they hold. */
  end(why: LeaseEnd): void {
    if (this.#end !== undefined) return;
    this.#end = why;
    this.lender.leaseCount--;
    if (this.views.length > 0) this.#endViews();
    this.lender.leaseEnded(this);
  }

  #endViews(): void {
    for (const view of this.views) {
      if (view.end()) this.givenAway = true;
    }
  }

  /** The error of whoever uses the frame after its end. */
  error(): BridgeError {
    return new BridgeError(
      "closed",
      `Cannot use this frame of port '${this.lender.name}': ${
        WHAT_HAPPENED[this.#end!]
      }, and its memory may hold another frame. ` +
        "Keep a frame with clone(), which holds the memory until it is disposed; " +
        "keep its content with copy(), or with copyTo() of a surface",
    );
  }

  /** The error of whoever uses memory whose view was transferred. */
  transferred(): BridgeError {
    return new BridgeError(
      "bad_argument",
      `Cannot use this memory of a frame on port '${this.lender.name}': its view was ` +
        "transferred to another owner (postMessage or structuredClone with a transfer list, or " +
        "a stream's read into it); transfer a copy, as in pixels.slice()",
    );
  }
}

/** The view of one piece in one frame. */
export class PieceView {
  readonly use: Use;
  /** Whether the memory is locked for reading only. */
  readonly isReadOnly: boolean;
  readonly #lease: Lease;
  #buffer: ArrayBuffer | undefined;

  /** Called by {@link Lease.show}. */
  constructor(lease: Lease, use: Use, readOnly: boolean) {
    this.#lease = lease;
    this.use = use;
    this.isReadOnly = readOnly;
    use.piece.memory.lock(readOnly);
  }

  /**
   * The memory, without a copy; made when it is first read. Throws `closed` once
   * the frame's lease has ended, and `bad_argument` once it was transferred.
   */
  get buffer(): ArrayBuffer {
    this.checkHeld();
    this.#buffer ??= this.use.piece.memory.open();
    if (!this.#buffer.detached) return this.#buffer;
    throw this.#lease.transferred();
  }

  /** Throws `closed` once the frame's lease has ended. */
  checkHeld(): void {
    if (!this.#lease.isHeld) throw this.#lease.error();
  }

  /** Counts the bytes of pixels that are copied. */
  get copies(): CopyCounter {
    return this.#lease.lender.copies;
  }

  /** Whether the view was transferred. */
  get isTransferred(): boolean {
    return this.#buffer?.detached ?? false;
  }

  /** Whether `buffer` is the memory of this view. */
  isOf(buffer: ArrayBufferLike): boolean {
    return this.#buffer === buffer;
  }

  /** Detaches the view. Returns whether it was transferred. */
  end(): boolean {
    const { memory } = this.use.piece;
    const transferred = this.isTransferred;
    if (this.#buffer) memory.close(this.#buffer);
    memory.unlock(this.isReadOnly);
    this.use.release();
    return transferred;
  }
}
