/**
 * The shared memory that the peer has offered, and the leases on it.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import { MAX_OFFERED } from "../../proto/limits.ts";
import type { Capability } from "../../proto/wire/xpc_value.ts";
import { NativeBuffer } from "../../ffi/buffer.ts";
import type { ShmemHandle, SurfaceHandle } from "../../ffi/handle.ts";
import type { Native } from "../../ffi/native.ts";
import { NativeSurface } from "../../ffi/surface.ts";

type Memory = NativeSurface | NativeBuffer;

interface Imported {
  readonly memory: Memory;
  leases: number;
  /** No new frame will name it. It is disposed with its last lease. */
  retired: boolean;
}

/** Keeps one piece mapped and readable until the frame that names it is disposed. */
export interface Lease {
  readonly memory: Memory;
  /** Ends the lease. Further calls do nothing. */
  release(): void;
}

/** Called when the lease of one use of a piece has ended. `givenAway`: a view of the piece was transferred. */
export type Released = (
  id: bigint,
  generation: bigint,
  givenAway: boolean,
) => void;

/** The memory that the peer has offered, by the id that the peer chose. */
export class MemoryTable {
  readonly #native: Native;
  readonly #imported = new Map<bigint, Imported>();
  /** Why memory that the peer has offered cannot be used, by its id. */
  readonly #refused = new Map<bigint, string>();
  readonly #released: Released;
  #givenAway = 0;

  /** @param released called when a lease has ended, to tell the peer */
  constructor(native: Native, released: Released) {
    this.#native = native;
    this.#released = released;
  }

  /** Pieces of which a view was transferred so far. */
  get givenAway(): number {
    let count = this.#givenAway;
    for (const { memory } of this.#imported.values()) {
      if (memory.givenAway) count++;
    }
    return count;
  }

  /**
   * Takes over offered memory. Throws `malformed_message` if the id is in use, or
   * if too much is offered. Throws what {@link NativeSurface} and
   * {@link NativeBuffer} throw if the memory cannot be used; frames that name it
   * are then refused for the same reason.
   */
  offer(id: bigint, capability: Capability): void {
    const memory = this.#openOffered(id, capability);
    const taken = this.#imported.has(id);
    if (taken || this.#imported.size >= MAX_OFFERED) {
      memory[Symbol.dispose]();
      throw new BridgeError(
        "malformed_message",
        `Cannot accept surface ${id}: ${
          taken ? "this id is in use" : `${MAX_OFFERED} are offered already`
        }`,
      );
    }
    this.#imported.set(id, { memory, leases: 0, retired: false });
  }

  #openOffered(id: bigint, capability: Capability): Memory {
    try {
      return this.#open(capability);
    } catch (error) {
      if (error instanceof BridgeError && this.#refused.size < MAX_OFFERED) {
        this.#refused.set(id, error.message);
      }
      throw error;
    }
  }

  #end(memory: Memory): void {
    if (memory.givenAway) this.#givenAway++;
    memory[Symbol.dispose]();
  }

  #open({ kind, handle }: Capability): Memory {
    return kind === "surface"
      ? new NativeSurface(this.#native, handle as SurfaceHandle)
      : new NativeBuffer(this.#native, handle as ShmemHandle);
  }

  /** The peer will not name this piece again. Leases on it stay valid until they end. */
  retire(id: bigint): void {
    this.#refused.delete(id);
    const imported = this.#imported.get(id);
    if (!imported) return;
    this.#imported.delete(id);
    imported.retired = true;
    if (imported.leases === 0) this.#end(imported.memory);
  }

  /** Whether the peer has offered a piece of this id and not retired it. */
  has(id: bigint): boolean {
    return this.#imported.has(id);
  }

  /** Returns a lease on an offered piece, or the reason if there is none. */
  lease(id: bigint, generation: bigint): Lease | string {
    const imported = this.#imported.get(id);
    if (!imported) {
      const refused = this.#refused.get(id);
      return `surface ${id}, which was ${
        refused ? `refused: ${refused}` : "never offered or is retired"
      }`;
    }
    const { memory } = imported;
    imported.leases++;
    return makeLease(memory, () => {
      imported.leases--;
      if (!imported.retired) this.#released(id, generation, memory.givenAway);
      else if (imported.leases === 0) this.#end(memory);
    });
  }

  /** Returns a lease on memory that was sent inside a frame, without an id; it is disposed with the lease. Returns the reason if it cannot be used. */
  leaseOnce(capability: Capability): Lease | string {
    try {
      const memory = this.#open(capability);
      return makeLease(memory, () => this.#end(memory));
    } catch (error) {
      if (error instanceof BridgeError) return error.message;
      throw error;
    }
  }

  /** The peer is gone. Leased memory stays until its lease ends; no release is sent. */
  retireAll(): void {
    this.#refused.clear();
    for (const id of [...this.#imported.keys()]) this.retire(id);
  }
}

function makeLease(memory: Memory, end: () => void): Lease {
  let held = true;
  memory.lock(true);
  return {
    memory,
    release: () => {
      if (!held) return;
      held = false;
      memory.unlock(true);
      end();
    },
  };
}
