/**
 * The control API, once: every operation is one function from a caller and a
 * plain request to a plain response, with no transport in it. Both carriers,
 * gRPC and XPC, are loops over these tables.
 *
 * What a handler answers and what it throws:
 *
 * | condition | outcome |
 * |---|---|
 * | unknown connection | a response: `success: false`, `found: false` or `not_found` |
 * | a transition that the state forbids, a full quota | a response: `success: false` with the reason |
 * | a missing or wrong token, the wrong peer | throws BridgeError `not_permitted`, counted and logged |
 * | a malformed request | throws BridgeError `bad_argument` |
 *
 * Carriers turn `bad_argument` into INVALID_ARGUMENT and `not_permitted` into
 * PERMISSION_DENIED, or both into `{success: false, error}`.
 *
 * @module
 */

import type {
  AllocateConnectionResponse,
  ClientAliveResponse,
  CloseConnectionResponse,
  GetClientStatusResponse,
  GetConnectionInfoResponse,
  GetConnectionSchemaResponse,
  GetHealthResponse,
  GetHostStatusResponse,
  GetRuntimeEndpointResponse,
  GetVersionResponse,
  HostAliveResponse,
  HostXpcReadyResponse,
  ListConnectionsResponse,
  ListProcessorsResponse,
  ListRuntimesResponse,
  MarkAckedResponse,
  PruneDeadRuntimesResponse,
  RegisterRuntimeResponse,
  ReportFailureResponse,
  ReportStatsResponse,
  TailLogsResponse,
  UnregisterRuntimeResponse,
  WatchConnectionResponse,
} from "../proto/broker_gen.ts";
import { CallContext, type HandlerOptions } from "./context.ts";
import { lifecycleHandlers } from "./lifecycle_handlers.ts";
import { logHandlers } from "./log_handlers.ts";
import { queryHandlers, streamHandlers } from "./query_handlers.ts";
import { relayHandlers } from "./relay_handlers.ts";
import { runtimeHandlers } from "./runtime_handlers.ts";
import type {
  GetEndpointResponse,
  StoreEndpointResponse,
} from "./relay_messages.ts";

/** Who makes a call, as the carrier knows it: nothing in here was claimed inside a message. */
export interface Caller {
  /** Which carrier brought the call. */
  readonly carrier: "xpc" | "grpc";
  /** The per-side token, from the metadata or the dictionary. */
  readonly token?: string;
  /** The process at the other end as the kernel names it; XPC only. `id` is unique per peer connection, for ever. */
  readonly peer?: {
    readonly id: number | string;
    readonly pid: number;
    readonly euid: number;
  };
  /** Aborts when the call is cancelled or its peer is gone. */
  readonly signal: AbortSignal;
}

/** A call with one answer. `request` is any plain object: the handler checks its fields. */
export type UnaryHandler<Response> = (
  caller: Caller,
  request: object,
) => Promise<Response>;

/** A call with a stream of answers. It ends by itself or when the caller's signal aborts. */
export type StreamHandler<Response> = (
  caller: Caller,
  request: object,
) => AsyncIterable<Response>;

/** The calls with one answer, by their gRPC name. */
export interface UnaryHandlers {
  readonly GetHealth: UnaryHandler<GetHealthResponse>;
  readonly GetVersion: UnaryHandler<GetVersionResponse>;
  readonly RegisterRuntime: UnaryHandler<RegisterRuntimeResponse>;
  readonly UnregisterRuntime: UnaryHandler<UnregisterRuntimeResponse>;
  readonly ListRuntimes: UnaryHandler<ListRuntimesResponse>;
  readonly GetRuntimeEndpoint: UnaryHandler<GetRuntimeEndpointResponse>;
  readonly PruneDeadRuntimes: UnaryHandler<PruneDeadRuntimesResponse>;
  readonly ListProcessors: UnaryHandler<ListProcessorsResponse>;
  readonly AllocateConnection: UnaryHandler<AllocateConnectionResponse>;
  readonly HostAlive: UnaryHandler<HostAliveResponse>;
  readonly HostXpcReady: UnaryHandler<HostXpcReadyResponse>;
  readonly ClientAlive: UnaryHandler<ClientAliveResponse>;
  readonly GetClientStatus: UnaryHandler<GetClientStatusResponse>;
  readonly GetHostStatus: UnaryHandler<GetHostStatusResponse>;
  readonly MarkAcked: UnaryHandler<MarkAckedResponse>;
  readonly GetConnectionInfo: UnaryHandler<GetConnectionInfoResponse>;
  readonly CloseConnection: UnaryHandler<CloseConnectionResponse>;
  readonly GetConnectionSchema: UnaryHandler<GetConnectionSchemaResponse>;
  readonly ReportFailure: UnaryHandler<ReportFailureResponse>;
  readonly ReportStats: UnaryHandler<ReportStatsResponse>;
  readonly ListConnections: UnaryHandler<ListConnectionsResponse>;
}

/** The calls with a stream of answers, by their gRPC name. */
export interface StreamHandlers {
  /** Every change of state, the current state first; ends when the connection has failed or was closed. */
  readonly WatchConnection: StreamHandler<WatchConnectionResponse>;
  /** The broker's log records, and with `follow` those that come. */
  readonly TailLogs: StreamHandler<TailLogsResponse>;
}

/** The relay's two messages, by their XPC `type`. Only XPC can carry an endpoint. */
export interface RelayHandlers<E> {
  /** `endpoint` is the message's, `undefined` when it carries none; taken on every path, also when this throws. */
  readonly store_endpoint: (
    caller: Caller,
    request: object,
    endpoint: E | undefined,
  ) => Promise<StoreEndpointResponse>;
  /**
   * Held for as long as the request's `wait_ms` says while nothing is stored.
   * The endpoint in the answer is the carrier's own: it disposes it once it is
   * sent.
   */
  readonly get_endpoint: UnaryHandler<GetEndpointResponse<E>>;
}

/** Everything that the broker can be asked. */
export interface Handlers<E> {
  readonly unary: UnaryHandlers;
  readonly stream: StreamHandlers;
  readonly relay: RelayHandlers<E>;
}

/** Makes the handlers of one broker, over its registry. */
export function createHandlers<E extends Disposable>(
  options: HandlerOptions<E>,
): Handlers<E> {
  const context = new CallContext(options);
  return {
    unary: {
      ...runtimeHandlers(context),
      ...lifecycleHandlers(context),
      ...queryHandlers(context),
    },
    stream: { ...streamHandlers(context), ...logHandlers(context.logs) },
    relay: relayHandlers(context),
  };
}
