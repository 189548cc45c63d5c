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
  cost = 0;
  /** It was sent or disposed. */
  done = false;
  /** The pieces that the frame names, if it waits to be sent. */
  #named: Pooled[] | undefined;
  readonly #port: OutgoingPort;
  readonly #offered: OfferedMemory;

  /** @param spare whether the frame gets no shared memory and will be dropped */
  constructor(port: OutgoingPort, offered: OfferedMemory, spare: boolean) {
    this.#port = port;
    this.#offered = offered;
    this.spare = spare;
  }

  /** Whether the frame has shared memory. */
  get isShared(): boolean {
    return this.pieces.size > 0;
  }

  /** The frame waits to be sent: until then its pieces are held, but no longer written. */
  park(): void {
    this.done = true;
    this.#named = [];
    for (const pooled of this.pieces.values()) {
      pooled.memory.unlock(false);
      if (pooled.state !== "out") continue;
      pooled.state = "held";
      this.#named.push(pooled);
    }
  }

  /** The frame is about to be sent: the pieces that it names are out. */
  resume(): void {
    for (const pooled of this.#named ?? []) pooled.state = "out";
  }

  /** The frame was sent: the pieces that it names are out until their release, the others are free. */
  launch(sentAt: number, cost: number): void {
    this.done = true;
    this.sentAt = sentAt;
    this.cost = cost;
    for (const pooled of this.pieces.values()) {
      if (!this.#named) pooled.memory.unlock(false);
      if (pooled.state === "out") {
        pooled.flight = this;
        this.out++;
      } else {
        pooled.state = "free";
      }
    }
  }

  /** The frame will not be sent: its pieces are free. */
  discard(): void {
    this.done = true;
    for (const pooled of this.pieces.values()) {
      if (!this.#named) pooled.memory.unlock(false);
      pooled.state = "free";
    }
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
