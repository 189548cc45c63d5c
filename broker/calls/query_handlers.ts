/**
 * The calls that change nothing: health, version, states, information, lists,
 * schema, watch.
 *
 * @module
 */

import {
  type ConnectionRecord,
  derivedState,
  type Timestamps,
} from "../../proto/states/connection_record.ts";
import { NOT_FOUND } from "../../proto/wire/keys.ts";
import { SIDES } from "../../proto/states/states.ts";
import { type CallContext, UNKNOWN_CONNECTION } from "./context.ts";
import { RequestFields } from "./fields.ts";
import type { Answer, StreamHandlers, UnaryAnswers } from "./call_types.ts";
import type {
  ConnectionInfo,
  GetConnectionInfoResponse,
  WatchConnectionResponse,
} from "../../proto/broker_gen.ts";
import { versionInfo } from "../version.ts";
import { fullnessOf } from "../registry/quotas.ts";
import { watch } from "../registry/watch.ts";

/** Makes the answers to the calls that change nothing. */
export function queryAnswers<E extends Disposable>(
  context: CallContext<E>,
) {
  const startedAt = context.now();
  const version = versionInfo(context.build);
  const find: Answer<ConnectionRecord | undefined> = (caller, fields) =>
    context.entry(caller, fields, "either")?.connection;
  return {
    GetHealth: () => ({
      healthy: true,
      status: "healthy",
      uptime_secs: secs(context.now() - startedAt),
      quotas: fullnessOf(context.quotas).map((quota) => ({
        name: quota.name,
        used: quota.used,
        limit: quota.limit,
        process_limit: quota.processLimit,
        fullest_pid: quota.fullest?.pid ?? 0,
        fullest_used: quota.fullest?.used ?? 0,
      })),
      refused_count: context.incidents.count("refused"),
      silent_count: context.incidents.count("silent"),
      over_budget_count: context.incidents.count("over_budget"),
      malformed_count: context.incidents.count("malformed"),
    }),
    GetVersion: () => ({ ...version }),
    GetClientStatus: (caller, fields) => ({
      client_state: find(caller, fields)?.client ??
        NOT_FOUND,
    }),
    GetHostStatus: (caller, fields) => ({
      host_state: find(caller, fields)?.host ?? NOT_FOUND,
    }),
    GetConnectionInfo: (caller, fields) =>
      infoOf(find(caller, fields), context.now()),
    GetConnectionSchema: (caller, fields) => {
      const connection = find(caller, fields);
      return {
        found: connection !== undefined,
        schema_json: connection?.schemaJson ?? "",
      };
    },
    ListConnections: (_caller, fields) => {
      const runtime = fields.optionalName("runtime_id");
      const connections = context.registry.list().filter((connection) =>
        runtime === "" || connection.runtimeId === runtime
      );
      const now = context.now();
      return { connections: connections.map((each) => summaryOf(each, now)) };
    },
  } satisfies Partial<UnaryAnswers>;
}

/** Makes the handler of `WatchConnection`. */
export function streamHandlers<E extends Disposable>(
  context: CallContext<E>,
): Pick<StreamHandlers, "WatchConnection"> {
  return {
    async *WatchConnection(
      caller,
      request,
    ): AsyncGenerator<WatchConnectionResponse> {
      const fields = new RequestFields("WatchConnection", request);
      const entry = context.entry(caller, fields, "either");
      if (entry === undefined) {
        yield {
          found: false,
          connection_id: fields.name("connection_id"),
          host_state: NOT_FOUND,
          client_state: NOT_FOUND,
          derived_state: NOT_FOUND,
          host_xpc_endpoint_stored: false,
          failure_reason: UNKNOWN_CONNECTION,
          at_unix_ms: whole(context.now()),
        };
        return;
      }
      const changes = watch(
        context.registry,
        entry.id,
        caller.signal,
        caller.process,
      );
      for await (const connection of changes) {
        yield eventOf(connection, context.now());
      }
    },
  };
}

function eventOf(
  connection: ConnectionRecord,
  now: number,
): WatchConnectionResponse {
  return {
    found: true,
    connection_id: connection.id,
    host_state: connection.host,
    client_state: connection.client,
    derived_state: derivedState(connection),
    host_xpc_endpoint_stored: connection.endpointStored,
    failure_reason: connection.failureReason,
    at_unix_ms: whole(now),
  };
}

function infoOf(
  connection: ConnectionRecord | undefined,
  now: number,
): GetConnectionInfoResponse {
  const times: Partial<Timestamps> = connection?.times ?? {};
  const { created = now, firstEndpointRequest: asked } = times;
  const waitEnd = times.endpointDelivered ?? times.failed ?? now;
  return {
    found: connection !== undefined,
    host_state: connection?.host ?? NOT_FOUND,
    client_state: connection?.client ?? NOT_FOUND,
    derived_state: connection === undefined
      ? NOT_FOUND
      : derivedState(connection),
    host_xpc_endpoint_stored: connection?.endpointStored ?? false,
    client_connected: times.endpointDelivered !== undefined,
    age_secs: secs(now - created),
    timeout_secs: secs(connection?.timeoutMs ?? 0),
    poll_count: connection?.pollCount ?? 0,
    wait_ms: asked === undefined ? 0 : whole(waitEnd - asked),
    created_at_unix_ms: whole(times.created),
    host_alive_at_unix_ms: whole(times.hostAlive),
    endpoint_stored_at_unix_ms: whole(times.endpointStored),
    first_endpoint_request_at_unix_ms: whole(asked),
    endpoint_delivered_at_unix_ms: whole(times.endpointDelivered),
    host_acked_at_unix_ms: whole(times.hostAcked),
    client_acked_at_unix_ms: whole(times.clientAcked),
    ready_at_unix_ms: whole(times.ready),
    failed_at_unix_ms: whole(times.failed),
    host_last_seen_unix_ms: whole(times.hostSeen),
    client_last_seen_unix_ms: whole(times.clientSeen),
    failure_reason: connection?.failureReason ?? UNKNOWN_CONNECTION,
    path: connection === undefined ? "" : pathOf(connection),
  };
}

function summaryOf(connection: ConnectionRecord, now: number): ConnectionInfo {
  const total = (count: "frames" | "bytes" | "dropped"): number =>
    SIDES.reduce(
      (sum, side) => sum + (connection.stats[side]?.[count] ?? 0),
      0,
    );
  const slower = (latency: "p50Us" | "p99Us"): number =>
    Math.max(...SIDES.map((side) => connection.stats[side]?.[latency] ?? 0));
  return {
    connection_id: connection.id,
    runtime_id: connection.runtimeId,
    processor_id: connection.processorId,
    role: "host",
    established_at_unix_ms: whole(connection.times.ready),
    frames_transferred: total("frames"),
    bytes_transferred: total("bytes"),
    host_state: connection.host,
    client_state: connection.client,
    derived_state: derivedState(connection),
    age_secs: secs(now - connection.times.created),
    timeout_secs: secs(connection.timeoutMs),
    failure_reason: connection.failureReason,
    dropped_frames: total("dropped"),
    p50_us: slower("p50Us"),
    p99_us: slower("p99Us"),
    path: pathOf(connection),
    host_dropped_frames: connection.stats.host?.dropped ?? 0,
    client_dropped_frames: connection.stats.client?.dropped ?? 0,
    hangs: connection.stats.host?.hangs ?? 0,
    settings_json: connection.stats.host?.settingsJson ?? "",
  };
}

/** What carries the frames, as the first side says that does; a side may leave it out. */
function pathOf({ stats }: ConnectionRecord): string {
  return SIDES.map((side) => stats[side]?.path).find(Boolean) ?? "";
}

/** The protocol has whole milliseconds, and 0 for an event that has not happened. */
function whole(ms = 0): number {
  return Math.floor(ms);
}

function secs(ms: number): number {
  return Math.floor(ms / 1000);
}
