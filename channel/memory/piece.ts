/**
 * Pieces of shared memory, and who holds them.
 *
 * A piece is one surface or one buffer, kept for many frames. A use is one
 * content of it: from the time when its producer begins to fill it, until nobody
 * reads it any more. Frames of this process hold a use, and so does each peer
 * that was sent it. Then the piece's owner, a `MemoryPool` or a `MemoryTable`,
 * gets it back.
 *
 * @module
 */

import type { Id } from "../../proto/wire/xpc_value.ts";
import type { SharedMemory } from "../../ffi/shared_memory.ts";

/** What a peer knows of a piece. */
export interface KnownPiece {
  /** Tells the peer that the piece will not be sent again. */
  retire(): void;
}

/** Shared memory, and the peers that know it. */
export class Piece<M extends SharedMemory = SharedMemory>
  implements Disposable {
  readonly memory: M;
  /** Its offers, on any channel of this process. */
  readonly offers: Set<KnownPiece> = new Set();
  /** A peer has given its view of it away. */
  givenAwayThere = false;

  /** Takes the memory over. */
  constructor(memory: M) {
    this.memory = memory;
  }

  /** Whether a view of it was transferred, here or at a peer: it must not be filled again. */
  get givenAway(): boolean {
    return this.givenAwayThere || this.memory.givenAway;
  }

  /** Releases the memory, and tells the peers that it was offered to. Nobody holds it. */
  [Symbol.dispose](): void {
    for (const offer of this.offers) offer.retire();
    this.memory[Symbol.dispose]();
  }
}

/** The owner of a piece. */
export interface UseOwner {
  /** Nobody holds this use any more. */
  idle(use: Use): void;
}

/** One content of a piece, while somebody holds it. */
export class Use {
  readonly piece: Piece;
  readonly owner: UseOwner;
  /** The number of this use, if the piece is a peer's: the peer is told it at the end. */
  readonly generation: Id;
  #holders = 1;

  /** The caller is the first holder. */
  constructor(piece: Piece, owner: UseOwner, generation: Id = 0) {
    this.piece = piece;
    this.owner = owner;
    this.generation = generation;
  }

  /** Adds a holder, who calls {@link release} once. */
  hold(): this {
    this.#holders++;
    return this;
  }

  /** A holder has ended. */
  release(): void {
    if (--this.#holders === 0) this.owner.idle(this);
  }
}
