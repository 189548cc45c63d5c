/**
 * Who has how many connections: every live connection is charged to its
 * runtime and to the XPC peers that are its sides.
 *
 * @module
 */

import {
  MAX_CONNECTIONS,
  MAX_CONNECTIONS_PER_PEER,
  MAX_CONNECTIONS_PER_RUNTIME,
  MAX_RETAINED_CONNECTIONS,
  MAX_WATCHERS_PER_CONNECTION,
} from "../../proto/limits.ts";
import type { PeerId } from "./auth.ts";

/** How much a broker takes on. Failed connections do not count, except for `retained`. */
export interface Quotas {
  readonly total: number;
  readonly perRuntime: number;
  readonly perPeer: number;
  /** Failed connections that stay listed. */
  readonly retained: number;
  /** Watchers and held requests of one connection. */
  readonly watchers: number;
}

/** The quotas of a broker that is not told otherwise. */
export const DEFAULT_QUOTAS: Quotas = {
  total: MAX_CONNECTIONS,
  perRuntime: MAX_CONNECTIONS_PER_RUNTIME,
  perPeer: MAX_CONNECTIONS_PER_PEER,
  retained: MAX_RETAINED_CONNECTIONS,
  watchers: MAX_WATCHERS_PER_CONNECTION,
};

/** The accounts. `T` is what is charged. */
export class Ledger<T> {
  readonly #quotas: Quotas;
  readonly #ofRuntime = new Map<string, number>();
  readonly #ofPeer = new Map<PeerId, Set<T>>();
  #total = 0;

  /** @param quotas where each account ends */
  constructor(quotas: Quotas) {
    this.#quotas = quotas;
  }

  /** How much is charged in all. */
  get total(): number {
    return this.#total;
  }

  /** Why one more cannot be charged to `runtime` and `peer`, or `undefined` when it can. */
  refusal(runtime: string, peer: PeerId | undefined): string | undefined {
    const { total, perRuntime, perPeer } = this.#quotas;
    if (this.#total >= total) return full("the broker", total);
    if ((this.#ofRuntime.get(runtime) ?? 0) >= perRuntime) {
      return full(`runtime ${JSON.stringify(runtime)}`, perRuntime);
    }
    const ofPeer = peer === undefined ? 0 : this.#ofPeer.get(peer)?.size ?? 0;
    return ofPeer >= perPeer ? full("this process", perPeer) : undefined;
  }

  /** Charges one to `runtime`. */
  charge(runtime: string): void {
    this.#total++;
    this.#ofRuntime.set(runtime, (this.#ofRuntime.get(runtime) ?? 0) + 1);
  }

  /** Takes one off `runtime` again. */
  discharge(runtime: string): void {
    this.#total--;
    const left = (this.#ofRuntime.get(runtime) ?? 0) - 1;
    if (left > 0) this.#ofRuntime.set(runtime, left);
    else this.#ofRuntime.delete(runtime);
  }

  /** Charges `item` to `peer`; once, however often it is said. */
  bind(peer: PeerId, item: T): void {
    const items = this.#ofPeer.get(peer);
    if (items !== undefined) items.add(item);
    else this.#ofPeer.set(peer, new Set([item]));
  }

  /** Takes `item` off `peer` again. */
  unbind(peer: PeerId, item: T): void {
    const items = this.#ofPeer.get(peer);
    items?.delete(item);
    if (items?.size === 0) this.#ofPeer.delete(peer);
  }

  /** What is charged to `peer`. */
  of(peer: PeerId): T[] {
    return [...this.#ofPeer.get(peer) ?? []];
  }
}

function full(whose: string, limit: number): string {
  return `Cannot allocate a connection: ${whose} has ${limit}, the limit; close some first`;
}
