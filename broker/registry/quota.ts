/**
 * The quotas of connections. Each live connection counts for its runtime and for the
 * XPC peers that are its sides.
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

/** The limits of a broker. Connections that are over count only for `retained`. */
export interface Quotas {
  readonly total: number;
  readonly perRuntime: number;
  readonly perPeer: number;
  /** Connections that are over and still listed. */
  readonly retained: number;
  /** Watchers and held requests per connection. */
  readonly watchers: number;
}

/** The default quotas. */
export const DEFAULT_QUOTAS: Quotas = {
  total: MAX_CONNECTIONS,
  perRuntime: MAX_CONNECTIONS_PER_RUNTIME,
  perPeer: MAX_CONNECTIONS_PER_PEER,
  retained: MAX_RETAINED_CONNECTIONS,
  watchers: MAX_WATCHERS_PER_CONNECTION,
};

/** Counts per runtime and per peer. `T` is the type of what is counted. */
export class Ledger<T> {
  readonly #quotas: Quotas;
  readonly #ofRuntime = new Map<string, number>();
  readonly #ofPeer = new Map<PeerId, Set<T>>();
  #total = 0;

  /** @param quotas the limits */
  constructor(quotas: Quotas) {
    this.#quotas = quotas;
  }

  /** The number of all connections. */
  get total(): number {
    return this.#total;
  }

  /** The reason why `runtime` and `peer` cannot have one more; `undefined` if they can. */
  refusal(runtime: string, peer: PeerId | undefined): string | undefined {
    const { total, perRuntime, perPeer } = this.#quotas;
    if (this.#total >= total) return full("the broker", total);
    if ((this.#ofRuntime.get(runtime) ?? 0) >= perRuntime) {
      return full(`runtime ${JSON.stringify(runtime)}`, perRuntime);
    }
    const ofPeer = peer === undefined ? 0 : this.#ofPeer.get(peer)?.size ?? 0;
    return ofPeer >= perPeer ? full("this process", perPeer) : undefined;
  }

  /** Adds one to `runtime`. */
  charge(runtime: string): void {
    this.#total++;
    this.#ofRuntime.set(runtime, (this.#ofRuntime.get(runtime) ?? 0) + 1);
  }

  /** Subtracts one from `runtime`. */
  discharge(runtime: string): void {
    this.#total--;
    const left = (this.#ofRuntime.get(runtime) ?? 0) - 1;
    if (left > 0) this.#ofRuntime.set(runtime, left);
    else this.#ofRuntime.delete(runtime);
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

function full(whose: string, limit: number): string {
  return `Cannot allocate a connection: ${whose} has ${limit}, the limit; close some first`;
}
