/**
 * The releases that this side owes its peer: of pieces of memory, and of frames
 * without memory. Several of them are sent together.
 *
 * @module
 */

import { inLaterTurn } from "../ffi/turns.ts";
import { MAX_RELEASES_PER_MESSAGE } from "../proto/limits.ts";
import type { Id } from "../proto/wire/xpc_value.ts";
import type { PieceUse, ReleaseBatch } from "./transport.ts";

const NO_PIECES: readonly PieceUse[] = Object.freeze([]);

/** What releases need from their channel. */
export interface ReleaseOutlet {
  /** Sends releases to the peer. Does nothing if there is none. */
  send(batch: ReleaseBatch): void;
  /** Returns the number of frames that this side has dropped. */
  dropped(): number;
  /** Gets an error of sending that nobody waits for. */
  failed(error: unknown): void;
}

/** Collects releases. */
export class Releases {
  readonly #outlet: ReleaseOutlet;
  #frames: Id[] = [];
  /** By id: a frame may name a piece more than once. */
  readonly #pieces = new Map<Id, PieceUse>();
  /** The number of dropped frames that the peer knows of. */
  #told = 0;
  #scheduled = false;
  #isUrgent = false;

  constructor(outlet: ReleaseOutlet) {
    this.#outlet = outlet;
  }

  /**
   * Confirms a frame without memory, together with others at the end of this turn
   * of the event loop: first the processor answers.
   *
   * @param isUrgent whether the sender may soon have to wait for it
   */
  frame(id: Id, isUrgent = true): void {
    this.#frames.push(id);
    if (isUrgent) this.#isUrgent = true;
    if (this.#frames.length >= MAX_RELEASES_PER_MESSAGE) this.flush();
    else this.#schedule();
  }

  /** Sends what has been collected, if the sender of it may soon have to wait for it. */
  flushUrgent(): void {
    if (this.#isUrgent) this.flush();
  }

  /**
   * Releases a piece, with the next {@link flush}, or at the end of this turn. One
   * that was given away is sent alone, now.
   */
  piece(name: PieceUse, givenAway = false): void {
    if (givenAway) {
      this.#outlet.send({
        frames: [],
        pieces: [name],
        givenAway,
        dropped: undefined,
      });
      return;
    }
    this.#isUrgent = true;
    this.#pieces.set(name.id, name);
    if (this.#pieces.size >= MAX_RELEASES_PER_MESSAGE) this.flush();
    else this.#schedule();
  }

  /** Sends what has been collected, if there is anything. */
  flush(): void {
    if (this.#frames.length === 0 && this.#pieces.size === 0) return;
    const frames = this.#frames;
    const pieces = this.#pieces.size > 0
      ? [...this.#pieces.values()]
      : NO_PIECES;
    this.forget();
    const dropped = this.takeDropped();
    this.#outlet.send({ frames, pieces, givenAway: false, dropped });
  }

  /** Returns the number of dropped frames, for a message that is about to be sent; undefined if the peer knows it. */
  takeDropped(): number | undefined {
    const dropped = this.#outlet.dropped();
    if (dropped === this.#told) return undefined;
    return this.#told = dropped;
  }

  /** Forgets what has not been sent. */
  forget(): void {
    this.#isUrgent = false;
    if (this.#frames.length > 0) this.#frames = [];
    if (this.#pieces.size > 0) this.#pieces.clear();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    inLaterTurn(() => {
      this.#scheduled = false;
      try {
        this.flush();
      } catch (error) {
        this.#outlet.failed(error);
      }
    });
  }
}
