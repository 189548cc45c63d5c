/**
 * The only function that changes a connection record.
 *
 * It does no I/O: it returns effects for the caller. So the state machine is a table,
 * which a test enumerates.
 *
 * | event | host moves to | client moves to | refused when |
 * |---|---|---|---|
 * | `host_alive` | alive | | |
 * | `endpoint_stored` | xpc_ready | | the client has received an endpoint |
 * | `host_xpc_ready` | | | nothing has been stored |
 * | `client_alive` | | alive | |
 * | `endpoint_requested` | | waiting_for_endpoint | |
 * | `endpoint_delivered` | | xpc_endpoint_received | nothing is stored, or it was not requested |
 * | `acked` host | acked | | the host is not xpc_ready, or the client has not received the endpoint |
 * | `acked` client | | acked | the client has not received the endpoint |
 * | `seen`, `reallocated`, `stats_reported` | | | |
 * | `failure_reported` | failed, if it is its side | failed, if it is its side | |
 * | `side_lost`, `closed` | failed | failed | |
 * | `timed_out` | failed | failed | it is ready, or its time is not over |
 *
 * A side only moves forward: an event for a state that it has passed succeeds and
 * changes only the time at which the side was last seen. A connection that is over
 * stays so: events that mean progress are refused, further ends are accepted, and the
 * first end decides the reason and whether it was closed or failed.
 *
 * @module
 */

import {
  type ConnectionRecord,
  derivedState,
  hasFailed,
  isReady,
  progress,
  type SideStats,
  timeoutAt,
} from "./connection_record.ts";
import { CLOSED_PREFIX } from "../wire/keys.ts";
import { fitLine } from "../escape.ts";
import { MAX_REASON_LENGTH } from "../limits.ts";
import { clientReached, hostReached, type Side } from "./states.ts";

/** An event of a connection. */
export type ConnectionEvent =
  | { readonly type: "host_alive" }
  | { readonly type: "endpoint_stored" }
  | { readonly type: "host_xpc_ready" }
  | { readonly type: "client_alive" }
  | { readonly type: "endpoint_requested" }
  | { readonly type: "endpoint_delivered" }
  | { readonly type: "acked"; readonly side: Side }
  | { readonly type: "seen"; readonly side: Side }
  | { readonly type: "reallocated" }
  | {
    readonly type: "stats_reported";
    readonly side: Side;
    readonly stats: SideStats;
  }
  | {
    readonly type: "failure_reported";
    readonly side: Side;
    readonly reason: string;
  }
  | {
    readonly type: "side_lost";
    readonly side: Side;
    readonly reason: string;
  }
  | { readonly type: "timed_out" }
  | { readonly type: "closed"; readonly reason: string };

/**
 * What the caller must do, in this order.
 *
 * - `release_endpoint`: dispose the stored endpoint
 * - `hold_endpoint`: store the endpoint of the event
 * - `notify_watchers`: a state has changed, or an endpoint was stored
 */
export type Effect = "release_endpoint" | "hold_endpoint" | "notify_watchers";

/** The result of an event: the new record and its effects, or why it was rejected. */
export type TransitionOutcome =
  | {
    readonly connection: ConnectionRecord;
    readonly effects: readonly Effect[];
  }
  | { readonly rejected: string };

/** Applies `event` at `now`, in milliseconds since the epoch. */
export function transition(
  connection: ConnectionRecord,
  event: ConnectionEvent,
  now: number,
): TransitionOutcome {
  const step = hasFailed(connection)
    ? afterFailure(connection, event)
    : advance(connection, event, now);
  if (typeof step === "string") {
    return { rejected: refusal(connection, event, step) };
  }
  const moved = seen({ ...connection, ...step }, event, now);
  const after = settled(moved, now);
  return { connection: after, effects: effectsOf(connection, after, event) };
}

/** Releases the endpoint and sets the times of a connection that is ready or over. */
function settled(connection: ConnectionRecord, now: number): ConnectionRecord {
  const { times } = connection;
  if (hasFailed(connection)) {
    return {
      ...connection,
      endpointStored: false,
      times: { ...times, failed: times.failed ?? now },
    };
  }
  if (isReady(connection)) {
    return {
      ...connection,
      endpointStored: false,
      times: { ...times, ready: times.ready ?? now },
    };
  }
  return connection;
}

/** The changes to a connection that is not over, or why the event is rejected. */
function advance(
  connection: ConnectionRecord,
  event: ConnectionEvent,
  now: number,
): Partial<ConnectionRecord> | string {
  const { host, client, endpointStored, times } = connection;
  const received = clientReached(client, "xpc_endpoint_received");
  switch (event.type) {
    case "host_alive":
      if (host !== "pending") return {};
      return { host: "alive", times: { ...times, hostAlive: now } };
    case "endpoint_stored":
      if (received) return "the client has already received an endpoint";
      return {
        host: hostReached(host, "xpc_ready") ? host : "xpc_ready",
        endpointStored: true,
        times: {
          ...times,
          hostAlive: times.hostAlive ?? now,
          endpointStored: now,
        },
      };
    case "host_xpc_ready":
      return hostReached(host, "xpc_ready") ? {} : "no endpoint is stored";
    case "client_alive":
      return client === "pending" ? { client: "alive" } : {};
    case "endpoint_requested":
      if (received) return {};
      return {
        client: "waiting_for_endpoint",
        pollCount: connection.pollCount + 1,
        times: {
          ...times,
          firstEndpointRequest: times.firstEndpointRequest ?? now,
        },
      };
    case "endpoint_delivered":
      if (received) return {};
      if (client !== "waiting_for_endpoint") return "nobody asked for it";
      if (!endpointStored) return "no endpoint is stored";
      return {
        client: "xpc_endpoint_received",
        times: { ...times, endpointDelivered: now },
      };
    case "acked":
      if (!received) return "the client has not received the endpoint";
      if (event.side === "client") {
        if (client === "acked") return {};
        return { client: "acked", times: { ...times, clientAcked: now } };
      }
      if (host === "acked") return {};
      if (host !== "xpc_ready") return "the host has stored no endpoint";
      return { host: "acked", times: { ...times, hostAcked: now } };
    case "seen":
    case "reallocated":
      return {};
    case "stats_reported":
      return { stats: { ...connection.stats, [event.side]: event.stats } };
    case "timed_out":
      if (isReady(connection)) return "it is ready";
      if (now < timeoutAt(connection)) return "its time is not over";
      return failure(connection, event);
    case "failure_reported":
    case "side_lost":
    case "closed":
      return failure(connection, event);
  }
}

type FailureEvent = Extract<
  ConnectionEvent,
  { type: "failure_reported" | "side_lost" | "timed_out" | "closed" }
>;

/** The changes by the first end of a connection. */
function failure(
  connection: ConnectionRecord,
  event: FailureEvent,
): Partial<ConnectionRecord> {
  return {
    ...failedSides(event),
    failureReason: fitLine(reasonOf(connection, event), MAX_REASON_LENGTH),
    closed: event.type === "closed",
  };
}

/** The changes to a connection that is over: it accepts further ends, and `seen`. */
function afterFailure(
  connection: ConnectionRecord,
  event: ConnectionEvent,
): Partial<ConnectionRecord> | string {
  switch (event.type) {
    case "failure_reported":
    case "side_lost":
    case "timed_out":
    case "closed":
      return failedSides(event);
    case "seen":
      return {};
    default:
      return connection.failureReason;
  }
}

/** A reported failure fails its side; every other end fails both. */
function failedSides(event: FailureEvent): Partial<ConnectionRecord> {
  if (event.type !== "failure_reported") {
    return { host: "failed", client: "failed" };
  }
  return event.side === "host" ? { host: "failed" } : { client: "failed" };
}

function reasonOf(connection: ConnectionRecord, event: FailureEvent): string {
  switch (event.type) {
    case "failure_reported":
      return `${event.side} reported: ${event.reason}`;
    case "side_lost":
      return `${event.side} lost: ${event.reason} (${
        isReady(connection) ? "was ready" : progress(connection)
      })`;
    case "timed_out":
      return `timed out after ${connection.timeoutMs / 1000} s: ${
        progress(connection)
      }`;
    case "closed":
      return CLOSED_PREFIX + event.reason;
  }
}

/** Sets the time at which the side of `event` was last seen. */
function seen(
  connection: ConnectionRecord,
  event: ConnectionEvent,
  now: number,
): ConnectionRecord {
  const side = sideOf(event);
  if (side === undefined) return connection;
  const key = side === "host" ? "hostSeen" : "clientSeen";
  return { ...connection, times: { ...connection.times, [key]: now } };
}

/** The side that caused an event; `undefined` for events of the broker itself. */
function sideOf(event: ConnectionEvent): Side | undefined {
  switch (event.type) {
    case "host_alive":
    case "endpoint_stored":
    case "host_xpc_ready":
    case "reallocated":
      return "host";
    case "client_alive":
    case "endpoint_requested":
      return "client";
    case "acked":
    case "seen":
    case "stats_reported":
    case "failure_reported":
      return event.side;
    case "endpoint_delivered":
    case "side_lost":
    case "timed_out":
    case "closed":
      return undefined;
  }
}

function effectsOf(
  before: ConnectionRecord,
  after: ConnectionRecord,
  event: ConnectionEvent,
): Effect[] {
  const stored = event.type === "endpoint_stored";
  const effects: Effect[] = [];
  if (before.endpointStored && (stored || !after.endpointStored)) {
    effects.push("release_endpoint");
  }
  if (stored) effects.push("hold_endpoint");
  if (
    before.host !== after.host || before.client !== after.client ||
    before.endpointStored !== after.endpointStored
  ) {
    effects.push("notify_watchers");
  }
  return effects;
}

/** The text of a rejection: the event, the states, and the reason. */
function refusal(
  connection: ConnectionRecord,
  event: ConnectionEvent,
  why: string,
): string {
  const what = "side" in event ? `${event.type} (${event.side})` : event.type;
  return `Cannot apply ${what}: host is ${connection.host}, client is ${connection.client}, connection is ${
    derivedState(connection)
  }: ${why}`;
}
