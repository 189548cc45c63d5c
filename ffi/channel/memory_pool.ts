/**
 * The shared memory that one field of a port sends: surfaces or buffers, made
 * once, used again and again.
 *
 * A piece is free, held by a frame that is being filled, or out with the
 * receiver. It comes back when the receiver releases the very generation that
 * was sent. The pool grows to a bound and no further.
 *
 * @module
 */

import type { SharedMemory } from "../shared_memory.ts";

/** A piece of a pool. */
export interface Pooled<M extends SharedMemory = SharedMemory> {
  readonly memory: M;
  /** Names it on the channel. */
  readonly id: bigint;
  /** Counts its uses; a release of an earlier one means nothing. */
  generation: bigint;
  state: "free" | "held" | "out";
  /** Whether the receiver has it. */
  offered: boolean;
}

/** What a pool needs from its channel. */
export interface PoolOwner {
  /** An id that nothing of this side had before. */
  nextId(): bigint;
  /** The piece is gone: the receiver need not keep it. */
  retire(pooled: Pooled): void;
}

/** How the memory of one field is made. */
export interface MemoryKind<M extends SharedMemory, Spec> {
  /** Whether `memory` serves for `spec`. */
  fits(memory: M, spec: Spec): boolean;
  /** Memory that does. Throws `native_failure` where there is no more. */
  make(spec: Spec): M;
}

/** A bounded pool. Its users decide what a full one means. */
export class MemoryPool<M extends SharedMemory, Spec> implements Disposable {
  readonly #owner: PoolOwner;
  readonly #kind: MemoryKind<M, Spec>;
  readonly #bound: number;
  readonly #pieces = new Set<Pooled<M>>();
  #spare: M | undefined;

  /** @param bound pieces at the most */
  constructor(owner: PoolOwner, kind: MemoryKind<M, Spec>, bound: number) {
    this.#owner = owner;
    this.#kind = kind;
    this.#bound = bound;
  }

  /** Whether {@link take} would find or make a piece. */
  get hasRoom(): boolean {
    if (this.#pieces.size < this.#bound) return true;
    for (const { state } of this.#pieces) if (state === "free") return true;
    return false;
  }

  /** A piece to fill, now `held`; `undefined` when all are in use. */
  take(spec: Spec): Pooled<M> | undefined {
    let free: Pooled<M> | undefined;
    for (const pooled of this.#pieces) {
      if (pooled.state !== "free") continue;
      if (this.#kind.fits(pooled.memory, spec)) return hold(pooled);
      free ??= pooled;
    }
    if (this.#pieces.size >= this.#bound) {
      if (!free) return undefined;
      this.#drop(free); // of a size that nobody wants any more
    }
    const pooled: Pooled<M> = {
      memory: this.#kind.make(spec),
      id: this.#owner.nextId(),
      generation: 0n,
      state: "free",
      offered: false,
    };
    this.#pieces.add(pooled);
    return hold(pooled);
  }

  /** Memory to fill in vain: for a frame that will be dropped because all other is in use. */
  spare(spec: Spec): M {
    if (this.#spare && !this.#kind.fits(this.#spare, spec)) {
      this.#spare[Symbol.dispose]();
      this.#spare = undefined;
    }
    return this.#spare ??= this.#kind.make(spec);
  }

  #drop(pooled: Pooled<M>): void {
    this.#pieces.delete(pooled);
    this.#owner.retire(pooled);
    pooled.memory[Symbol.dispose]();
  }

  /** Releases everything. */
  [Symbol.dispose](): void {
    for (const pooled of this.#pieces) this.#drop(pooled);
    this.#spare?.[Symbol.dispose]();
    this.#spare = undefined;
  }
}

function hold<M extends SharedMemory>(pooled: Pooled<M>): Pooled<M> {
  pooled.state = "held";
  pooled.generation++;
  return pooled;
}
