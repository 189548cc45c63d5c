/**
 * The surfaces that the peer has offered, and who still looks at them.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import { MAX_OFFERED_SURFACES } from "../../proto/limits.ts";
import type { Capability } from "../../proto/xpc_value.ts";
import type { SurfaceHandle } from "../handle.ts";
import type { Native } from "../native.ts";
import { NativeSurface } from "../surface.ts";

interface Imported {
  readonly surface: NativeSurface;
  leases: number;
  /** No new frame will name it: it goes with its last lease. */
  retired: boolean;
}

/** A hold on one surface for as long as one frame is looked at. */
export interface Lease {
  readonly surface: NativeSurface;
  /** Ends it. Again is harmless. */
  release(): void;
}

/** What the peer offered, by the id that the peer chose. */
export class SurfaceTable implements Disposable {
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

  /** Takes an offered surface over. Throws `malformed_message` for a second one of the same id, or too many. */
  offer(id: bigint, capability: Capability): void {
    const surface = new NativeSurface(
      this.#native,
      capability.handle as SurfaceHandle,
    );
    if (
      this.#imported.has(id) || this.#imported.size >= MAX_OFFERED_SURFACES
    ) {
      surface[Symbol.dispose]();
      throw new BridgeError(
        "malformed_message",
        `Cannot accept surface ${id}: ${
          this.#imported.has(id)
            ? "one of this id is there already"
            : `${MAX_OFFERED_SURFACES} are there already`
        }`,
      );
    }
    this.#imported.set(id, { surface, leases: 0, retired: false });
  }

  /** The peer will not name this surface again. */
  retire(id: bigint): void {
    const imported = this.#imported.get(id);
    if (!imported) return;
    this.#imported.delete(id);
    imported.retired = true;
    if (imported.leases === 0) imported.surface[Symbol.dispose]();
  }

  /** A lease on an offered surface, `undefined` where the id is unknown. */
  lease(id: bigint, generation: bigint): Lease | undefined {
    const imported = this.#imported.get(id);
    if (!imported) return undefined;
    imported.leases++;
    imported.surface.lock(true);
    let held = true;
    return {
      surface: imported.surface,
      release: () => {
        if (!held) return;
        held = false;
        imported.leases--;
        imported.surface.unlock(true);
        if (!imported.retired) this.#released(id, generation);
        else if (imported.leases === 0) imported.surface[Symbol.dispose]();
      },
    };
  }

  /** A lease on a surface that crossed inside a frame, nameless: it goes with the lease. */
  leaseOnce(capability: Capability): Lease {
    const surface = new NativeSurface(
      this.#native,
      capability.handle as SurfaceHandle,
    );
    surface.lock(true);
    let held = true;
    return {
      surface,
      release: () => {
        if (!held) return;
        held = false;
        surface.unlock(true);
        surface[Symbol.dispose]();
      },
    };
  }

  /** The peer is gone. What someone still looks at stays until that lease ends. */
  [Symbol.dispose](): void {
    for (const id of [...this.#imported.keys()]) this.retire(id);
  }
}
