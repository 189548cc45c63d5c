/**
 * The shared memory that this side has offered to the peer. The peer keeps it
 * in its `MemoryTable`.
 *
 * @module
 */

import { CHANNEL_KEY, CTRL_TYPE } from "../../proto/wire/keys.ts";
import { uint64, type XpcDictionary } from "../../proto/wire/xpc_value.ts";
import type { Pooled, PoolOwner } from "./memory_pool.ts";

/** Gets a call when a piece is released. */
export interface PieceOwner {
  /** The receiver has released the piece. */
  returned(pooled: Pooled): void;
}

/** The offered memory by id, each piece with the owner to which its release is reported. */
export class OfferedMemory implements PoolOwner {
  readonly #send: (type: string, fields: XpcDictionary) => void;
  readonly #offered = new Map<bigint, { pooled: Pooled; owner: PieceOwner }>();
  #nextId = 1n;

  /** @param send sends a control message */
  constructor(send: (type: string, fields: XpcDictionary) => void) {
    this.#send = send;
  }

  nextId(): bigint {
    return this.#nextId++;
  }

  /** Offers the piece, unless the peer has it. `owner` is told of its releases. */
  offer(pooled: Pooled, owner: PieceOwner): void {
    if (this.#offered.has(pooled.id)) return;
    this.#offered.set(pooled.id, { pooled, owner });
    this.#send(CTRL_TYPE.surfaceOffer, {
      [CHANNEL_KEY.surfaceId]: uint64(pooled.id),
      [CHANNEL_KEY.surface]: pooled.memory.borrow(),
    });
  }

  retire({ id }: Pooled): void {
    if (!this.#offered.delete(id)) return;
    this.#send(CTRL_TYPE.surfaceRetire, {
      [CHANNEL_KEY.surfaceId]: uint64(id),
    });
  }

  /**
   * The peer reports a release. Returns whether it has an effect: the piece is
   * out and `generation` is its current use. `givenAway`: a view of the piece was
   * transferred there.
   */
  released(id: bigint, generation: bigint, givenAway: boolean): boolean {
    const entry = this.#offered.get(id);
    if (!entry || entry.pooled.state !== "out") return false;
    if (entry.pooled.generation !== generation) return false;
    entry.pooled.givenAwayThere = givenAway;
    entry.owner.returned(entry.pooled);
    return true;
  }

  /** The peer is gone: the next one has been offered nothing. */
  forget(): void {
    this.#offered.clear();
  }
}
