/**
 * Finds the shared memory that a received frame names, and shows it in the frame's
 * lease. Each name is checked: it is of memory that the peer has offered, or of
 * memory of this side that the peer holds.
 *
 * @module
 */

import { MAX_OFFERED } from "../../proto/limits.ts";
import { BridgeError } from "../../proto/errors.ts";
import type {
  ElementArrays,
  ElementKind,
} from "../../proto/schema/field_type.ts";
import { NUMERIC_ARRAYS } from "../../proto/schema/numeric_array.ts";
import type { Surface } from "../../proto/schema/surface.ts";
import { NativeBuffer } from "../../ffi/buffer.ts";
import { NativeSurface } from "../../ffi/surface.ts";
import type { PieceName } from "../transport.ts";
import { FrameSurface } from "./frame_surface.ts";
import type { Lease, PieceView } from "./lease.ts";
import type { MemoryTable } from "./memory_table.ts";
import type { OfferedMemory } from "./offered_memory.ts";
import type { Use } from "./piece.ts";

/** Returns what `use` returns, or the reason if the memory cannot be used. */
function orReason<T>(use: () => T): T | string {
  try {
    return use();
  } catch (error) {
    if (error instanceof BridgeError) return error.message;
    throw error;
  }
}

/** The memory of the frame that is decoded. */
export class ReceivedMemory {
  readonly #table: MemoryTable;
  readonly #offered: OfferedMemory;
  #lease: Lease | undefined;
  /** Whether the frame has memory of its sender. If so, its releases confirm it. */
  hasPeersMemory = false;

  /**
   * @param table the memory that the peer has offered
   * @param offered the memory that the peer was offered
   */
  constructor(table: MemoryTable, offered: OfferedMemory) {
    this.#table = table;
    this.#offered = offered;
  }

  /** The next frame is decoded: what it shows goes to `lease`. */
  begin(lease: Lease): void {
    this.#lease = lease;
    this.hasPeersMemory = false;
  }

  /** Returns the surface of a piece, or why there is none. */
  surface(use: Use | string): Surface | string {
    const view = this.#show(use);
    if (typeof view === "string") return view;
    const { memory } = view.use.piece;
    if (!(memory instanceof NativeSurface)) return "a buffer's memory";
    return orReason(() => {
      memory.map(); // so that reading its pixels cannot fail later
      return new FrameSurface(view, memory);
    });
  }

  /** Returns the array over a piece, or why there is none. */
  numbers<K extends ElementKind>(
    use: Use | string,
    kind: K,
    length: bigint | number | undefined,
  ): ElementArrays[K] | string {
    const view = this.#show(use);
    if (typeof view === "string") return view;
    const { memory } = view.use.piece;
    if (!(memory instanceof NativeBuffer)) return "a surface";
    if (length === undefined) return "a buffer without its length";
    const TypedArray = NUMERIC_ARRAYS[kind];
    return length > memory.bytes / TypedArray.BYTES_PER_ELEMENT
      ? `${length} numbers in memory of ${memory.bytes} bytes`
      : new TypedArray(view.buffer, 0, Number(length));
  }

  #show(use: Use | string): PieceView | string {
    if (typeof use === "string") return use;
    const lease = this.#lease!;
    if (lease.views.length < MAX_OFFERED) {
      return orReason(() => lease.show(use, true));
    }
    use.release();
    return `one more than the ${MAX_OFFERED} pieces that a frame can have`;
  }

  /** Returns the use of the piece of a name, which the caller holds, or why there is none. */
  find({ id, generation, moved }: PieceName): Use | string {
    if (moved) {
      return this.#offered.find(id, generation)?.hold() ??
        `surface ${id} of this side, which the sender does not hold`;
    }
    const use = this.#table.use(id, generation);
    if (typeof use !== "string") this.hasPeersMemory = true;
    return use;
  }
}
