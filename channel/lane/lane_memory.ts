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

/** A use of a piece whose id and generation fit into a record. */
export interface RecordUse extends PieceUse {
  readonly id: number;
  readonly generation: number;
}

/** Whether the id and the generation of a use fit into a record: 32 bits each. Those of this library do; a foreign peer may choose longer ones. */
function fitsRecord(use: PieceUse): use is RecordUse {
  return use.id === Number(use.id) >>> 0 &&
    use.generation === Number(use.generation) >>> 0;
}

/** Whether the ids and generations of all uses fit into a record. */
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
      `Cannot give memory back: the other side uses id ${use.id} and generation ${use.generation} for it, and a lane has 32 bits for each`,
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
