/**
 * What a registry is given and what it hands out.
 *
 * @module
 */

import type {
  ConnectionRecord,
  ConnectionSpec,
} from "../../proto/states/connection_record.ts";
import type { Side } from "../../proto/states/states.ts";
import type { PeerId, RandomBytes, Tokens } from "./auth.ts";
import type { SetTimer } from "./deadlines.ts";
import type { Quotas } from "./quotas.ts";

/** The dependencies of a registry. */
export interface RegistryOptions {
  /** Milliseconds since the epoch, monotonic: `performance.timeOrigin + performance.now()`. */
  now(): number;
  readonly setTimer: SetTimer;
  /** The system's by default. */
  randomBytes?: RandomBytes;
  /** Charged for connections, their bytes, endpoints and watchers. Those of `proto/limits.ts` by default. */
  quotas?: Quotas;
  /** The most connections that are over and still listed. */
  retained?: number;
  /** The most watchers and held requests of one connection. */
  watchersPerConnection?: number;
  /** Called for each new connection (`before` is undefined), change of state and stored endpoint. */
  onChange?(
    after: ConnectionRecord,
    before: ConnectionRecord | undefined,
  ): void;
}

/** What to allocate. */
export interface Allocation extends Omit<ConnectionSpec, "id"> {
  /** Set if a restarted broker adopts a connection. */
  readonly id?: string;
  /** `"fresh"` for new tokens; the connection's tokens if a restarted broker adopts it. */
  readonly tokens?: "fresh" | Tokens;
}

/** A connection in the registry, read-only. */
export interface Entry {
  readonly id: string;
  /** The current record. */
  readonly connection: ConnectionRecord;
  readonly tokens: Tokens | undefined;
  /** The XPC peers that are its sides: when a peer ends, the side is lost. */
  readonly peers: { readonly [side in Side]?: PeerId };
  /** The XPC peer that has received the endpoint. */
  readonly deliveredTo: PeerId | undefined;
}

/** Watches one connection. Called in the order of the changes; may call the registry. */
export interface Watcher {
  /** The record after a change. */
  changed(connection: ConnectionRecord): void;
  /** The last call: the connection is over, or the registry was disposed. */
  ended(): void;
}

/** The reason why an event was rejected. */
export interface Rejection {
  readonly rejected: string;
  /** Whether it was rejected because a quota is full. */
  readonly isFull?: boolean;
}

/** The rejection of what is asked of an unknown connection. */
export function unknownConnectionId(id: string): Rejection {
  return { rejected: `connection_not_found: no connection ${id}` };
}
