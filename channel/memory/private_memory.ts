/**
 * Private memory of this process, in the place of shared memory: that of frames
 * for which there is no room, which can be filled as usual and are dropped.
 *
 * @module
 */

import type { SharedMemory } from "../../ffi/shared_memory.ts";
import {
  paddedLayout,
  type PictureSize,
  type SurfaceLayout,
} from "../../proto/schema/surface_layout.ts";
import { BridgeError } from "../../proto/errors.ts";
import type { Capability } from "../../proto/wire/xpc_value.ts";
import type { SurfaceMemory } from "./frame_surface.ts";
import { Piece, Use } from "./piece.ts";

/** Memory that is allocated when it is first read, and never sent. */
export class PrivateMemory implements SharedMemory {
  readonly givenAway = false;
  readonly #bytes: number;
  readonly #views = new Set<ArrayBuffer>();

  /** @param bytes its size */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** Not possible: throws `bad_argument`. */
  borrow(): Capability {
    throw new BridgeError(
      "bad_argument",
      "Cannot send private memory: the frame was acquired when there was no room",
    );
  }

  /** A further view, that of a clone, is a copy. */
  open(): ArrayBuffer {
    const other = [...this.#views].find(({ detached }) => !detached);
    const view = other?.slice(0) ?? new ArrayBuffer(this.#bytes);
    this.#views.add(view);
    return view;
  }

  close(view: ArrayBuffer): void {
    this.#views.delete(view);
    if (!view.detached) view.transfer(0);
  }

  lock(): void {}

  unlock(): void {}

  [Symbol.dispose](): void {}
}

/** Private memory of a surface. */
export class PrivateSurfaceMemory extends PrivateMemory
  implements SurfaceMemory {
  readonly layout: SurfaceLayout;
  readonly handle = undefined;
  readonly memory_id = 0n;

  constructor(size: PictureSize) {
    const layout = paddedLayout(size);
    super(layout.bytes);
    this.layout = layout;
  }
}

/** Nobody wants private memory back. */
const NOBODY = { idle: () => {} };

/** The only use of some private memory, which the caller holds. */
export function privateUse(memory: PrivateMemory): Use {
  return new Use(new Piece(memory), NOBODY);
}
