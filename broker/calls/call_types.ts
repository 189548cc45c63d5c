/**
 * The types of the control API's handlers: the caller, and the functions that
 * answer a call. Both carriers serve these tables.
 *
 * @module
 */

import type {
  ResponseOf,
  StreamMethod,
  UnaryMethod,
} from "../../proto/wire/control.ts";
import type { ProcessIdentity } from "../registry/process.ts";
import type { RequestFields } from "./fields.ts";
import type {
  GetEndpointResponse,
  StoreEndpointResponse,
} from "./relay_messages.ts";

/** The caller, as the carrier knows it. Except the token, nothing in here comes from the message. */
export interface Caller {
  /** The carrier of the call. */
  readonly carrier: "xpc" | "grpc";
  /** The per-side token, from the metadata or the dictionary. */
  readonly token?: string;
  /** The peer's process, from the kernel; XPC only. `id` names one peer connection and is never used again. */
  readonly peer?: {
    readonly id: number | string;
    readonly pid: number;
    readonly euid: number;
  };
  /** The process of the caller, from the kernel. It is charged for what the call takes. */
  readonly process?: ProcessIdentity;
  /** Called when the caller was admitted to a connection: it is not silent. */
  readonly admitted?: () => void;
  /** Aborts when the call is cancelled or the peer has gone. */
  readonly signal: AbortSignal;
}

/** Handles a call with one response. `request` is any plain object: the handler checks its fields. */
export type UnaryHandler<Response> = (
  caller: Caller,
  request: object,
) => Promise<Response>;

/** Handles a call with a stream of responses. The stream ends by itself or when the caller's signal aborts. */
export type StreamHandler<Response> = (
  caller: Caller,
  request: object,
) => AsyncIterable<Response>;

/** Answers a call at once, from its fields. What it throws is the call's error. */
export type Answer<Response> = (
  caller: Caller,
  fields: RequestFields,
) => Response;

/** An answer for each call with one response, by its gRPC name. */
export type UnaryAnswers = {
  readonly [M in UnaryMethod]: Answer<ResponseOf<M>>;
};

/** The handlers of calls with one response, by their gRPC name. */
export type UnaryHandlers = {
  readonly [M in UnaryMethod]: UnaryHandler<ResponseOf<M>>;
};

/**
 * The handlers of calls with a stream of responses, by their gRPC name.
 * `WatchConnection` sends the current state, then every change, and ends when the
 * connection has failed or was closed. `TailLogs` sends the broker's log records,
 * and with `follow` new ones as they are written.
 */
export type StreamHandlers = {
  readonly [M in StreamMethod]: StreamHandler<ResponseOf<M>>;
};

/** The handlers of the relay's two messages, by their XPC `type`. Only XPC can carry an endpoint. */
export interface RelayHandlers<E> {
  /** `endpoint` comes with the message; `undefined` if the message has none. The handler takes it, also when it throws. */
  readonly store_endpoint: (
    caller: Caller,
    request: object,
    endpoint: E | undefined,
  ) => Promise<StoreEndpointResponse>;
  /**
   * While no endpoint is stored the response is held for up to `wait_ms`. The
   * carrier owns the endpoint in the response and disposes it after sending it.
   */
  readonly get_endpoint: UnaryHandler<GetEndpointResponse<E>>;
}

/** All handlers of a broker. */
export interface Handlers<E> {
  readonly unary: UnaryHandlers;
  readonly stream: StreamHandlers;
  readonly relay: RelayHandlers<E>;
}
