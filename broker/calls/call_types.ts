/**
 * What a call of the control API is to its handler: who makes it, and the
 * functions that answer it. Both carriers serve these tables.
 *
 * @module
 */

import type {
  ResponseOf,
  StreamMethod,
  UnaryMethod,
} from "../../proto/wire/control.ts";
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
export type UnaryHandlers = {
  readonly [M in UnaryMethod]: UnaryHandler<ResponseOf<M>>;
};

/**
 * The calls with a stream of answers, by their gRPC name. `WatchConnection`
 * gives every change of state, the current state first, and ends when the
 * connection has failed or was closed. `TailLogs` gives the broker's log
 * records, and with `follow` those that come.
 */
export type StreamHandlers = {
  readonly [M in StreamMethod]: StreamHandler<ResponseOf<M>>;
};

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
