/**
 * The shared memory that one place in the frames of a port sends: surfaces or
 * buffers, made once, used again and again.
 *
 * A piece is free, held by a frame that is being filled, or out with the
 * receiver. It comes back when the receiver releases the very generation that
 * was sent. The pool grows to a bound and no further.
 *
 * @module
 */

import type { SharedMemory } from "../../ffi/shared_memory.ts";

/** A frame that the receiver has. */
export interface Flight {
  /** Pieces of it that the receiver has not released. */
  out: number;
  /** When it was sent, in milliseconds. */
  sentAt: number;
}

/** A piece of a pool. */
export interface Pooled<M extends SharedMemory = SharedMemory> {
  readonly memory: M;
  /** Names it on the channel. */
  readonly id: bigint;
  /** Counts its uses; a release of an earlier one means nothing. */
  generation: bigint;
  state: "free" | "held" | "out";
  /** The frame that it is out with. */
  flight: Flight | undefined;
}

/** What a pool needs from its channel. */
export interface PoolOwner {
  /** An id that nothing of this side had before. */
  nextId(): bigint;
  /** The piece is gone: a receiver that has it need not keep it. */
  retire(pooled: Pooled): void;
}

/** How the memory of one place is made. */
export interface MemoryKind<M extends SharedMemory, Spec> {
  /** Whether `memory` serves for `spec`. */
  fits(memory: M, spec: Spec): boolean;
  /** Memory that does. Throws `native_failure` where there is no more. */
  make(spec: Spec): M;
}

/** A bounded pool. Its users decide what a full one means. */
export class MemoryPool<M extends SharedMemory, Spec> implements Disposable {
  /** Pieces at the most. To be lowered only before the first is taken. */
  bound: number;
  readonly #owner: PoolOwner;
  readonly #kind: MemoryKind<M, Spec>;
  readonly #pieces = new Set<Pooled<M>>();

  /** @param bound pieces at the most */
  constructor(owner: PoolOwner, kind: MemoryKind<M, Spec>, bound: number) {
    this.#owner = owner;
    this.#kind = kind;
    this.bound = bound;
  }

  /** Whether {@link take} would give `count` pieces, one after the other. */
  hasRoom(count: number): boolean {
    let room = this.bound - this.#pieces.size;
    if (room >= count) return true;
    for (const { state } of this.#pieces) if (state === "free") room++;
    return room >= count;
  }

  /** A piece to fill, now `held`; `undefined` when all are in use. */
  take(spec: Spec): Pooled<M> | undefined {
    let free: Pooled<M> | undefined;
    for (const pooled of this.#pieces) {
      if (pooled.state !== "free") continue;
      if (this.#kind.fits(pooled.memory, spec)) return hold(pooled);
      free ??= pooled;
    }
    if (this.#pieces.size >= this.bound) {
      if (!free) return undefined;
      this.#drop(free); // of a size that nobody wants any more
    }
    const pooled: Pooled<M> = {
      memory: this.#kind.make(spec),
      id: this.#owner.nextId(),
      generation: 0n,
      state: "free",
      flight: undefined,
    };
    this.#pieces.add(pooled);
    return hold(pooled);
  }

  /** The receiver is gone, and all that it had is free. */
  recall(): void {
    for (const pooled of this.#pieces) {
      if (pooled.state !== "out") continue;
      pooled.state = "free";
      pooled.flight = undefined;
    }
  }

  #drop(pooled: Pooled<M>): void {
    this.#pieces.delete(pooled);
    this.#owner.retire(pooled);
    pooled.memory[Symbol.dispose]();
  }

  /** Releases everything. */
  [Symbol.dispose](): void {
    for (const pooled of this.#pieces) this.#drop(pooled);
  }
}

function hold<M extends SharedMemory>(pooled: Pooled<M>): Pooled<M> {
  pooled.state = "held";
  pooled.generation++;
  return pooled;
}
