/**
 * What a sender knows about a frame from `acquire` until the receiver has
 * released it.
 *
 * @module
 */

import { BridgeError } from "../proto/errors.ts";
import type { NumericArray } from "../proto/schema/field_type.ts";
import type { Surface } from "../proto/schema/surface.ts";
import type { Filling } from "./memory/frame_memory.ts";
import type { Flight, Pooled } from "./memory/memory_pool.ts";
import type { OfferedMemory, PieceOwner } from "./memory/offered_memory.ts";
import type { SentMemory } from "./transport.ts";

/** The port that a frame belongs to. */
export interface OutgoingPort extends PieceOwner {
  /** The port's name. */
  readonly name: string;
}

/** The record of one outgoing frame. */
export class OutgoingRecord implements Filling, Flight, SentMemory {
  readonly pieces: Map<Surface | NumericArray, Pooled> = new Map();
  spare: boolean;
  out = 0;
  sentAt = 0;
  /** It was sent or disposed. */
  done = false;
  readonly #port: OutgoingPort;
  readonly #offered: OfferedMemory;

  /** @param spare whether the frame gets no shared memory and will be dropped */
  constructor(port: OutgoingPort, offered: OfferedMemory, spare: boolean) {
    this.#port = port;
    this.#offered = offered;
    this.spare = spare;
  }

  pieceOf(value: Surface | NumericArray): Pooled {
    const pooled = this.pieces.get(value);
    if (!pooled) {
      throw new BridgeError(
        "bad_argument",
        `Cannot send this memory on port '${this.#port.name}': fill what acquire() gave`,
      );
    }
    pooled.state = "out";
    return pooled;
  }

  offerPieces(): void {
    for (const pooled of this.pieces.values()) {
      if (pooled.state === "out") this.#offered.offer(pooled, this.#port);
    }
  }
}
