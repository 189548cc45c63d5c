/**
 * A connection's record: everything about one host and its one client that is
 * plain data. It changes only through `transition()`, in `proto/states/transition.ts`.
 *
 * @module
 */

import {
  type ClientState,
  derive,
  type DerivedState,
  type HostState,
  type Side,
} from "./states.ts";

/** When things happened, in epoch milliseconds; absent until they do. */
export interface Timestamps {
  readonly created: number;
  readonly hostAlive?: number;
  /** When the endpoint that counts was stored: a second store replaces the first. */
  readonly endpointStored?: number;
  readonly firstEndpointRequest?: number;
  readonly endpointDelivered?: number;
  readonly hostAcked?: number;
  readonly clientAcked?: number;
  readonly ready?: number;
  readonly failed?: number;
  readonly hostSeen?: number;
  readonly clientSeen?: number;
}

/** What one side has received over the channel so far: running totals. */
export interface SideStats {
  /** How the frames travel: `lane` or `dictionary`. */
  readonly path: string;
  readonly frames: number;
  readonly bytes: number;
  readonly dropped: number;
  /** Latency, median, in microseconds. */
  readonly p50Us: number;
  /** Latency, 99th percentile, in microseconds. */
  readonly p99Us: number;
}

/** Everything about one host and its one client, but for the native endpoint and the tokens. Immutable. */
export interface ConnectionRecord {
  /** 128 random bits, hex. */
  readonly id: string;
  readonly runtimeId: string;
  readonly processorId: string;
  readonly processorType: string;
  /** The channel's ports as JSON, or "". */
  readonly schemaJson: string;
  /** How long it may take to become ready, in milliseconds. */
  readonly timeoutMs: number;
  readonly host: HostState;
  readonly client: ClientState;
  /** Whether the broker holds the endpoint now. */
  readonly endpointStored: boolean;
  /** How often the client asked for the endpoint, up to the delivery. */
  readonly pollCount: number;
  /** Why it failed; "" while it has not. */
  readonly failureReason: string;
  readonly times: Timestamps;
  /** The last report of each side. */
  readonly stats: { readonly [side in Side]?: SideStats };
}

/** What a connection starts from. */
export type ConnectionSpec = Pick<
  ConnectionRecord,
  | "id"
  | "runtimeId"
  | "processorId"
  | "processorType"
  | "schemaJson"
  | "timeoutMs"
>;

/** A new connection, both sides pending. `now` in epoch milliseconds. */
export function newConnection(
  spec: ConnectionSpec,
  now: number,
): ConnectionRecord {
  return {
    ...spec,
    host: "pending",
    client: "pending",
    endpointStored: false,
    pollCount: 0,
    failureReason: "",
    times: { created: now },
    stats: {},
  };
}

/** The connection's derived state at the time of its last event. */
export function derivedState(connection: ConnectionRecord): DerivedState {
  return derive(
    connection.host,
    connection.client,
    connection.endpointStored,
  );
}

/** Whether either side has failed. */
export function hasFailed(connection: ConnectionRecord): boolean {
  return connection.host === "failed" || connection.client === "failed";
}

/** Whether both sides have acked. */
export function isReady(connection: ConnectionRecord): boolean {
  return connection.host === "acked" && connection.client === "acked";
}

/** When a connection that is neither ready nor failed times out, in epoch milliseconds. */
export function timeoutAt(connection: ConnectionRecord): number {
  return connection.times.created + connection.timeoutMs;
}

/** How far a connection got that is not ready: what it was waiting for, as a phrase. */
export function progress({ host, client }: ConnectionRecord): string {
  if (host === "acked") return "host acked, client did not";
  if (client === "acked") return "client acked, pong not received";
  if (client === "xpc_endpoint_received") return "pong not received";
  if (client === "pending") {
    if (host === "xpc_ready") return "subprocess never started";
    if (host === "alive") {
      return "host never stored its endpoint, subprocess never started";
    }
    return "it was allocated, then nobody was heard of";
  }
  if (host === "xpc_ready") return "client alive, never took the endpoint";
  if (host === "alive") return "client alive, host never stored its endpoint";
  return "client alive, host never heard of";
}
