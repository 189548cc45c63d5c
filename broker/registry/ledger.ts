/**
 * What the connections of a registry are charged for, and of which XPC peers they
 * are the sides.
 *
 * @module
 */

import { BYTES_PER_CHARACTER } from "../../proto/limits.ts";
import type { ConnectionSpec } from "../../proto/states/connection_record.ts";
import type { PeerId } from "./auth.ts";
import type { ProcessIdentity } from "./process.ts";
import type { Quotas } from "./quotas.ts";

/** What is charged. */
export interface Charged {
  /** The process that has allocated it. */
  readonly process: ProcessIdentity | undefined;
  /** The bytes of its texts. */
  readonly bytes: number;
}

/** The bytes that the texts of a connection take. */
export function bytesOf(spec: Omit<ConnectionSpec, "id">): number {
  const { runtimeId, processorId, processorType, schemaJson } = spec;
  return BYTES_PER_CHARACTER *
    (runtimeId.length + processorId.length + processorType.length +
      schemaJson.length);
}

/**
 * Charges connections to the processes that have allocated them: the connection
 * until it is over, its bytes as long as it is listed. `T` is the type of what is
 * bound to a peer.
 */
export class Ledger<T> {
  readonly #quotas: Quotas;
  readonly #ofPeer = new Map<PeerId, Set<T>>();

  /** @param quotas the quotas that are charged */
  constructor(quotas: Quotas) {
    this.#quotas = quotas;
  }

  /** Why `process` cannot have one more connection; `undefined` if it can. */
  refusal(process: ProcessIdentity | undefined): string | undefined {
    return refused(this.#quotas.connections.refusal(process));
  }

  /** Why `process` cannot have this many more bytes; `undefined` if it can. */
  bytesRefusal({ process, bytes }: Charged): string | undefined {
    return refused(this.#quotas.bytes.refusal(process, bytes));
  }

  /**
   * Drops connections that are over until there is room for these bytes: those of
   * the same process, then those of others, but none of others if the process is
   * at its own limit.
   *
   * @param over the oldest first
   * @param drop must lead to `forgotten`
   * @returns why there is no room still
   */
  makeRoom<C extends Charged>(
    charged: Charged,
    over: readonly C[],
    drop: (connection: C) => void,
  ): string | undefined {
    const { bytes: quota } = this.#quotas;
    const { process, bytes } = charged;
    const { own = [], others = [] } = Object.groupBy(
      over,
      (each) => each.process?.key === process?.key ? "own" : "others",
    );
    for (const each of [...own, ...others]) {
      if (this.bytesRefusal(charged) === undefined) break;
      const isOver = quota.of(process) + bytes > quota.processLimit;
      if (each === others[0] && isOver) break;
      drop(each);
    }
    return this.bytesRefusal(charged);
  }

  /** Charges a connection and its bytes. */
  charge({ process, bytes }: Charged): void {
    this.#quotas.connections.charge(process);
    this.#quotas.bytes.charge(process, bytes);
  }

  /** The connection is over. */
  over({ process }: Charged): void {
    this.#quotas.connections.discharge(process);
  }

  /** The connection is no longer listed. */
  forgotten({ process, bytes }: Charged): void {
    this.#quotas.bytes.discharge(process, bytes);
  }

  /** Adds `item` to `peer`. A second call has no effect. */
  bind(peer: PeerId, item: T): void {
    const items = this.#ofPeer.get(peer);
    if (items !== undefined) items.add(item);
    else this.#ofPeer.set(peer, new Set([item]));
  }

  /** Removes `item` from `peer`. */
  unbind(peer: PeerId, item: T): void {
    const items = this.#ofPeer.get(peer);
    items?.delete(item);
    if (items?.size === 0) this.#ofPeer.delete(peer);
  }

  /** The items of `peer`. */
  of(peer: PeerId): T[] {
    return [...this.#ofPeer.get(peer) ?? []];
  }
}

function refused(reason: string | undefined): string | undefined {
  return reason && `Cannot allocate a connection: ${reason}`;
}
