/**
 * The shared memory that the records of a lane name.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import type {
  MemoryFinder,
  MemoryName,
  MemoryNamer,
} from "../../proto/lane/lane_memory.ts";
import type {
  ElementArrays,
  ElementKind,
  NumericArray,
} from "../../proto/schema/field_type.ts";
import type { Surface } from "../../proto/schema/surface.ts";
import { ReceivedMemory } from "../memory/received_memory.ts";
import type { PieceUse, SentMemory } from "../transport.ts";

/** A use of a piece whose numbers fit into a record. */
export interface RecordUse extends PieceUse {
  readonly id: number;
  readonly generation: number;
}

/** Whether the numbers of a use fit into a record. Those that this library has chosen do. */
function fitsRecord(use: PieceUse): use is RecordUse {
  return use.id === Number(use.id) >>> 0 &&
    use.generation === Number(use.generation) >>> 0;
}

/** Whether the numbers of all uses fit into a record. */
export function fitRecord(
  uses: readonly PieceUse[],
): uses is readonly RecordUse[] {
  return uses.every(fitsRecord);
}

/** Names the memory of the frames of one port. */
export class SentNames implements MemoryNamer {
  /** The memory of the frame that is written. */
  memory: SentMemory | undefined;

  name(value: Surface | NumericArray): MemoryName {
    const { moved, ...use } = this.memory!.pieceOf(value);
    if (fitsRecord(use)) return { ...use, moved };
    throw new BridgeError(
      "malformed_message",
      `Cannot give surface ${use.id} back: the other side has offered it under a number of more than 32 bits`,
    );
  }
}

/** Finds the memory of one frame while it is read. */
export class FoundMemory extends ReceivedMemory implements MemoryFinder {
  texture(name: MemoryName): Surface | string {
    return this.surface(this.find(name));
  }

  buffer<K extends ElementKind>(
    name: MemoryName,
    kind: K,
    length: number,
  ): ElementArrays[K] | string {
    return this.numbers(this.find(name), kind, length);
  }
}
