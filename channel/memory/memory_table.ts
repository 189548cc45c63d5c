/**
 * The shared memory that the peer has offered, and who still looks at it.
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
  /** No new frame will name it: it goes with its last lease. */
  retired: boolean;
}

/** A hold on one piece for as long as one frame is looked at. */
export interface Lease {
  readonly memory: Memory;
  /** Ends it. Again is harmless. */
  release(): void;
}

/** What the peer offered, by the id that the peer chose. */
export class MemoryTable {
  readonly #native: Native;
  readonly #imported = new Map<bigint, Imported>();
  readonly #released: (id: bigint, generation: bigint) => void;

  /** @param released tells the peer that a lease has ended */
  constructor(
    native: Native,
    released: (id: bigint, generation: bigint) => void,
  ) {
    this.#native = native;
    this.#released = released;
  }

  /** Takes an offered surface or region over. Throws `malformed_message` for a second one of the same id, or too many. */
  offer(id: bigint, capability: Capability): void {
    const memory = this.#open(capability);
    const taken = this.#imported.has(id);
    if (taken || this.#imported.size >= MAX_OFFERED) {
      memory[Symbol.dispose]();
      throw new BridgeError(
        "malformed_message",
        `Cannot accept surface ${id}: ${
          taken
            ? "one of this id is there already"
            : `${MAX_OFFERED} are there already`
        }`,
      );
    }
    this.#imported.set(id, { memory, leases: 0, retired: false });
  }

  #open({ kind, handle }: Capability): Memory {
    return kind === "surface"
      ? new NativeSurface(this.#native, handle as SurfaceHandle)
      : new NativeBuffer(this.#native, handle as ShmemHandle);
  }

  /** The peer will not name this piece again. */
  retire(id: bigint): void {
    const imported = this.#imported.get(id);
    if (!imported) return;
    this.#imported.delete(id);
    imported.retired = true;
    if (imported.leases === 0) imported.memory[Symbol.dispose]();
  }

  /** A lease on an offered piece, `undefined` where the id is unknown. */
  lease(id: bigint, generation: bigint): Lease | undefined {
    const imported = this.#imported.get(id);
    if (!imported) return undefined;
    imported.leases++;
    return makeLease(imported.memory, () => {
      imported.leases--;
      if (!imported.retired) this.#released(id, generation);
      else if (imported.leases === 0) imported.memory[Symbol.dispose]();
    });
  }

  /** A lease on a surface that crossed inside a frame, nameless: it goes with the lease. In words, why it cannot be used. */
  leaseOnce(capability: Capability): Lease | string {
    try {
      const memory = this.#open(capability);
      return makeLease(memory, () => memory[Symbol.dispose]());
    } catch (error) {
      if (error instanceof BridgeError) return error.message;
      throw error;
    }
  }

  /** The peer is gone. What someone still looks at stays until that lease ends, and nobody is told. */
  retireAll(): void {
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
