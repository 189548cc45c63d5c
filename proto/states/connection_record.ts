/**
 * The connection record: the plain data about one host and its client. It changes
 * only through `transition()`, in `proto/states/transition.ts`.
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

/** The times of events in milliseconds since the epoch; `undefined` before the event. */
export interface Timestamps {
  readonly created: number;
  readonly hostAlive?: number;
  /** When the current endpoint was stored: a second one replaces the first. */
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

/** Totals of what one side has received over the channel. */
export interface SideStats {
  /** The transport of the frames: `lane` or `dictionary`. */
  readonly path: string;
  readonly frames: number;
  readonly bytes: number;
  readonly dropped: number;
  /** Median latency in microseconds. */
  readonly p50Us: number;
  /** 99th percentile of the latency in microseconds. */
  readonly p99Us: number;
  /** Of a host: the clients that it has ended because they hung. */
  readonly hangs: number;
  /** Of a host: the values of its processor's settings as JSON, or "". */
  readonly settingsJson: string;
}

/** Everything about one host and its client, except the native endpoint and the tokens. Immutable. */
export interface ConnectionRecord {
  /** 128 random bits in hexadecimal. */
  readonly id: string;
  readonly runtimeId: string;
  readonly processorId: string;
  readonly processorType: string;
  /** The channel's ports as JSON, or "". */
  readonly schemaJson: string;
  /** The time limit to become ready, in milliseconds. */
  readonly timeoutMs: number;
  readonly host: HostState;
  readonly client: ClientState;
  /** Whether the broker holds the endpoint now. */
  readonly endpointStored: boolean;
  /** The number of the client's requests for the endpoint, up to its delivery. */
  readonly pollCount: number;
  /** Why it failed or was closed; "" before that. */
  readonly failureReason: string;
  /** Whether it is over because a side closed it; both sides are `failed` then. */
  readonly closed: boolean;
  readonly times: Timestamps;
  /** The last report of each side. */
  readonly stats: { readonly [side in Side]?: SideStats };
}

/** The fields of a new connection. */
export type ConnectionSpec = Pick<
  ConnectionRecord,
  | "id"
  | "runtimeId"
  | "processorId"
  | "processorType"
  | "schemaJson"
  | "timeoutMs"
>;

/** Returns a new connection with both sides pending. `now` is in milliseconds since the epoch. */
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
    closed: false,
    times: { created: now },
    stats: {},
  };
}

/** Returns the derived state at the time of the last event. */
export function derivedState(connection: ConnectionRecord): DerivedState {
  return derive(
    connection.host,
    connection.client,
    connection.endpointStored,
    false,
    connection.closed,
  );
}

/** Whether it is over: a side has failed, or it was closed. */
export function hasFailed(connection: ConnectionRecord): boolean {
  return connection.host === "failed" || connection.client === "failed";
}

/** Whether both sides have acked. */
export function isReady(connection: ConnectionRecord): boolean {
  return connection.host === "acked" && connection.client === "acked";
}

/** When a connection that is not ready times out, in milliseconds since the epoch. */
export function timeoutAt(connection: ConnectionRecord): number {
  return connection.times.created + connection.timeoutMs;
}

/** The progress of a connection that is not ready, as a phrase. */
export function progress({ host, client }: ConnectionRecord): string {
  if (host === "acked") return "host acked, client did not";
  if (client === "acked") return "client acked, pong not received";
  if (client === "xpc_endpoint_received") return "pong not received";
  if (client === "pending") {
    if (host === "xpc_ready") return "subprocess never started";
    if (host === "alive") {
      return "host never stored its endpoint, subprocess never started";
    }
    return "neither the host nor the client has reported since the allocation";
  }
  if (host === "xpc_ready") return "client alive, never took the endpoint";
  if (host === "alive") return "client alive, host never stored its endpoint";
  return "client alive, the host has not reported";
}
