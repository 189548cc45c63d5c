/**
 * The shared memory of one place in the frames of a port: surfaces or buffers,
 * made once and used many times.
 *
 * A piece is free, or somebody holds its current use: a frame of this process,
 * or a peer. The pool never has more pieces than its bound.
 *
 * A piece that was given away, because a view of it was transferred here or at a
 * peer, is not used for another frame: it leaves the pool, and new memory takes
 * its place.
 *
 * @module
 */

import type { SharedMemory } from "../../ffi/shared_memory.ts";
import { Piece, Use, type UseOwner } from "./piece.ts";

/** How the memory of one place is chosen and made. */
export interface MemoryKind<M extends SharedMemory, Spec> {
  /** Whether `memory` can be used for `spec`. */
  fits(memory: M, spec: Spec): boolean;
  /** Makes memory for `spec`. Throws `native_failure` if there is none. */
  make(spec: Spec): M;
}

/** A bounded pool. Its user decides what to do when it is full. */
export class MemoryPool<M extends SharedMemory, Spec>
  implements UseOwner, Disposable {
  /** The most pieces. May be lowered only before the first piece is taken. */
  bound: number;
  readonly #kind: MemoryKind<M, Spec>;
  readonly #freed: () => void;
  /** The current use of each piece; undefined if it is free. */
  readonly #pieces = new Map<Piece<M>, Use | undefined>();
  #givenAway = 0;
  #ended = false;

  /**
   * @param freed called when a piece is free again
   * @param bound the most pieces
   */
  constructor(kind: MemoryKind<M, Spec>, freed: () => void, bound: number) {
    this.#kind = kind;
    this.#freed = freed;
    this.bound = bound;
  }

  /** Pieces that were given away by this side so far. */
  get givenAway(): number {
    let count = this.#givenAway;
    for (const { memory } of this.#pieces.keys()) if (memory.givenAway) count++;
    return count;
  }

  /** Whether the next `count` calls of {@link take} would each return a piece. */
  hasRoom(count: number): boolean {
    let room = this.bound - this.#pieces.size;
    if (room >= count) return true;
    for (const use of this.#pieces.values()) if (!use) room++;
    return room >= count;
  }

  /** Returns the use of a piece to fill, or undefined if all pieces are in use. The caller holds it. */
  take(spec: Spec): { readonly use: Use; readonly memory: M } | undefined {
    let free: Piece<M> | undefined;
    for (const [piece, use] of this.#pieces) {
      if (use) continue;
      if (piece.givenAway) this.#drop(piece);
      else if (this.#kind.fits(piece.memory, spec)) return this.#use(piece);
      else free ??= piece;
    }
    if (this.#pieces.size >= this.bound) {
      if (!free) return undefined;
      this.#drop(free); // its size does not fit: make room for a piece that does
    }
    return this.#use(new Piece(this.#kind.make(spec)));
  }

  #use(piece: Piece<M>): { readonly use: Use; readonly memory: M } {
    const use = new Use(piece, this);
    this.#pieces.set(piece, use);
    return { use, memory: piece.memory };
  }

  idle(use: Use): void {
    const piece = use.piece as Piece<M>;
    this.#pieces.set(piece, undefined);
    if (this.#ended) this.#drop(piece);
    else this.#freed();
  }

  #drop(piece: Piece<M>): void {
    this.#pieces.delete(piece);
    if (piece.memory.givenAway) this.#givenAway++;
    piece[Symbol.dispose]();
  }

  /** Releases all pieces: those that are in use when their use ends. */
  [Symbol.dispose](): void {
    this.#ended = true;
    for (const [piece, use] of this.#pieces) if (!use) this.#drop(piece);
  }
}
