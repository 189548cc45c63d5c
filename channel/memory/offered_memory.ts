/**
 * The shared memory that this side has offered to the peer, by the id under
 * which it did: the other end of the peer's `MemoryTable`.
 *
 * @module
 */

import { CHANNEL_KEY, CTRL_TYPE } from "../../proto/wire/keys.ts";
import { uint64, type XpcDictionary } from "../../proto/wire/xpc_value.ts";
import type { Pooled, PoolOwner } from "./memory_pool.ts";

/** Whoever is told that a piece has come back. */
export interface PieceOwner {
  /** The receiver has released the piece. */
  returned(pooled: Pooled): void;
}

/** What this side has offered, and who is told of its release. */
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

  /** Makes sure that the peer has the piece; `owner` hears of its releases. */
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

  /** The peer says that it has released a piece. Its word counts where it names the use that it was last sent for. */
  released(id: bigint, generation: bigint | undefined): void {
    const entry = this.#offered.get(id);
    if (!entry || entry.pooled.state !== "out") return;
    if (entry.pooled.generation === generation) {
      entry.owner.returned(entry.pooled);
    }
  }

  /** The peer is gone: whoever comes next has nothing. */
  forget(): void {
    this.#offered.clear();
  }
}
