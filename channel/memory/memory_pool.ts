/**
 * The shared memory of one place in the frames of a port: surfaces or buffers,
 * made once and used many times.
 *
 * A piece is free, held by a frame that is being filled, or out with the
 * receiver. It is free again when the receiver releases the generation that was
 * sent. The pool never has more pieces than its bound.
 *
 * A piece that was given away, because a view of it was transferred here or at
 * the receiver, is not used for another frame: it leaves the pool, and new memory
 * takes its place.
 *
 * @module
 */

import type { SharedMemory } from "../../ffi/shared_memory.ts";

/** A frame that was sent and not yet released. */
export interface Flight {
  /** The number of its pieces that are not yet released. */
  out: number;
  /** When it was sent, in milliseconds of the clock. */
  sentAt: number;
  /** What its message costs, in bytes. */
  cost: number;
}

/** A piece of a pool. */
export interface Pooled<M extends SharedMemory = SharedMemory> {
  readonly memory: M;
  /** Its id on the channel. */
  readonly id: bigint;
  /** The number of its uses so far. A release of an earlier use has no effect. */
  generation: bigint;
  /** The elements of a buffer in its current use; 0 for a surface. A transferred typed array has no length any more. */
  length: number;
  /** The receiver has given its view of the piece away. */
  givenAwayThere: boolean;
  state: "free" | "held" | "out";
  /** The frame that it is out with, if it is out. */
  flight: Flight | undefined;
}

/** What a pool needs from its channel. */
export interface PoolOwner {
  /** Returns an id that this side has not used before. */
  nextId(): bigint;
  /** The piece will not be used again: the receiver is told, so that it can unmap it. */
  retire(pooled: Pooled): void;
}

/** How the memory of one place is chosen and made. */
export interface MemoryKind<M extends SharedMemory, Spec> {
  /** Whether `memory` can be used for `spec`. */
  fits(memory: M, spec: Spec): boolean;
  /** Makes memory for `spec`. Throws `native_failure` if there is none. */
  make(spec: Spec): M;
}

/** A bounded pool. Its user decides what to do when it is full. */
export class MemoryPool<M extends SharedMemory, Spec> implements Disposable {
  /** The most pieces. May be lowered only before the first piece is taken. */
  bound: number;
  readonly #owner: PoolOwner;
  readonly #kind: MemoryKind<M, Spec>;
  readonly #pieces = new Set<Pooled<M>>();
  #givenAway = 0;

  /** @param bound the most pieces */
  constructor(owner: PoolOwner, kind: MemoryKind<M, Spec>, bound: number) {
    this.#owner = owner;
    this.#kind = kind;
    this.bound = bound;
  }

  /** Pieces that were given away by this side so far. */
  get givenAway(): number {
    let count = this.#givenAway;
    for (const { memory } of this.#pieces) if (memory.givenAway) count++;
    return count;
  }

  /** Whether the next `count` calls of {@link take} would each return a piece. */
  hasRoom(count: number): boolean {
    let room = this.bound - this.#pieces.size;
    if (room >= count) return true;
    for (const { state } of this.#pieces) if (state === "free") room++;
    return room >= count;
  }

  /** Returns a piece to fill, now `held`, or undefined if all are in use. */
  take(spec: Spec): Pooled<M> | undefined {
    let free: Pooled<M> | undefined;
    for (const pooled of this.#pieces) {
      if (pooled.state !== "free") continue;
      if (pooled.givenAwayThere || pooled.memory.givenAway) {
        this.#drop(pooled);
        continue;
      }
      if (this.#kind.fits(pooled.memory, spec)) return hold(pooled);
      free ??= pooled;
    }
    if (this.#pieces.size >= this.bound) {
      if (!free) return undefined;
      this.#drop(free); // its size does not fit: make room for a piece that does
    }
    const pooled: Pooled<M> = {
      memory: this.#kind.make(spec),
      id: this.#owner.nextId(),
      generation: 0n,
      length: 0,
      givenAwayThere: false,
      state: "free",
      flight: undefined,
    };
    this.#pieces.add(pooled);
    return hold(pooled);
  }

  /** The receiver is gone: all pieces that are out become free. */
  recall(): void {
    for (const pooled of this.#pieces) {
      if (pooled.state !== "out") continue;
      pooled.state = "free";
      pooled.flight = undefined;
    }
  }

  #drop(pooled: Pooled<M>): void {
    this.#pieces.delete(pooled);
    if (pooled.memory.givenAway) this.#givenAway++;
    this.#owner.retire(pooled);
    pooled.memory[Symbol.dispose]();
  }

  /** Releases all pieces. */
  [Symbol.dispose](): void {
    for (const pooled of this.#pieces) this.#drop(pooled);
  }
}

function hold<M extends SharedMemory>(pooled: Pooled<M>): Pooled<M> {
  pooled.state = "held";
  pooled.generation++;
  return pooled;
}
