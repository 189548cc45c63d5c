/**
 * Serves the handlers over gRPC. It has no listener; `grpc_carrier.ts` passes
 * connections to it.
 *
 * Import it dynamically, only if gRPC is served: it loads grpc-js and protobufjs,
 * which takes 100 ms and 40 MB and reads GRPC_* variables.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { TimerClock } from "../../ffi/clock.ts";
import {
  type ConnectionInjector,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptor,
  type ServerOptions,
  type ServerWritableStream,
  status,
  type StatusObject,
} from "@grpc/grpc-js";
import { type MethodName, METHODS } from "../../proto/broker_gen.ts";
import {
  BridgeError,
  describeError,
  type ErrorCode,
} from "../../proto/errors.ts";
import { fitLine } from "../../proto/escape.ts";
import {
  CODE_METADATA,
  PROTOCOL_VERSION,
  TOKEN_METADATA,
} from "../../proto/wire/keys.ts";
import {
  MAX_GRPC_MESSAGE_BYTES,
  MAX_REASON_LENGTH,
  REQUEST_TIMEOUT_MS,
} from "../../proto/limits.ts";
import type { ConnStream } from "./conn_stream.ts";
import { createCodecs } from "./grpc_codec.ts";
import { HEALTH, Health } from "./grpc_health.ts";
import { REFLECTION, Reflection } from "./grpc_reflection.ts";
import { definitionOf } from "./grpc_standard.ts";
import type {
  Caller,
  StreamHandler,
  UnaryHandler,
} from "../calls/call_types.ts";
import type { GrpcSession } from "./grpc_session.ts";
import { guardHttp2 } from "./http2_guard.ts";
import type { Log } from "../log/log.ts";
import type { Incidents } from "../registry/incidents.ts";
import { decoded, Undecodable } from "./undecodable.ts";

/** The handlers to serve, by the name of the call. */
export interface GrpcHandlers {
  /** Those with one response. */
  readonly unary: Readonly<Partial<Record<MethodName, UnaryHandler<object>>>>;
  /** Those with a stream of responses. */
  readonly stream: Readonly<Partial<Record<MethodName, StreamHandler<object>>>>;
}

const OPTIONS: ServerOptions = {
  "grpc.enable_channelz": 0,
  "grpc.max_concurrent_streams": 100,
  "grpc.max_receive_message_length": MAX_GRPC_MESSAGE_BYTES,
  "grpc.max_send_message_length": -1,
  // The connection of a peer that does not answer for half a minute is closed.
  "grpc.keepalive_time_ms": 20_000,
  "grpc.keepalive_timeout_ms": 10_000,
};

/** The status of an error's code; UNKNOWN for any other. The code itself goes with it, in {@link CODE_METADATA}. */
const STATUS_OF_CODE: Partial<Record<ErrorCode, status>> = {
  bad_argument: status.INVALID_ARGUMENT,
  malformed_message: status.INVALID_ARGUMENT,
  not_permitted: status.PERMISSION_DENIED,
};

/** The time for connections to close before the server destroys them. */
const CLOSE_TIMEOUT_MS = 1_000;

/**
 * Serves handlers on the connections that it gets. An error of a handler becomes a
 * status:
 *
 * | thrown | status |
 * |---|---|
 * | BridgeError `bad_argument`, `malformed_message` | INVALID_ARGUMENT, with its message |
 * | BridgeError `not_permitted` | PERMISSION_DENIED, with its message |
 * | another BridgeError | UNKNOWN, with its message |
 * | anything else | INTERNAL, without the message, which is logged |
 *
 * A call without a handler gets UNIMPLEMENTED.
 */
export class GrpcServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #injector: ConnectionInjector;
  readonly #health = new Health();
  readonly #reflection = new Reflection();
  readonly #log: Log;
  readonly #incidents: Incidents;
  readonly #codecs = createCodecs();
  /** The controllers of the pending calls. */
  readonly #calls = new Set<AbortController>();
  /** By their names. */
  readonly #connections = new Map<string, ConnStream>();
  /** Called when the last connection has closed. */
  #idle: (() => void) | undefined;

  /** @param handlers the calls to serve
   * @param log gets records of failed handlers, and those of incidents
   * @param clock the clock of the limits of time
   * @param incidents counts malformed requests */
  constructor(
    handlers: GrpcHandlers,
    log: Log,
    clock: TimerClock,
    incidents: Incidents,
  ) {
    guardHttp2();
    this.#log = log;
    this.#incidents = incidents;
    this.#server = new Server({
      ...OPTIONS,
      interceptors: [requestsInTime(clock)],
    });
    const names = Object.keys(METHODS) as MethodName[];
    this.#server.addService(
      Object.fromEntries(
        names.map((name) => [name, define(name, this.#codecs)]),
      ),
      Object.fromEntries(names.map((name) => [
        name,
        METHODS[name].responseStream
          ? this.#stream(name, handlers.stream[name])
          : this.#unary(name, handlers.unary[name]),
      ])),
    );
    this.#server.addService(definitionOf(HEALTH), this.#health.implementation);
    for (const service of REFLECTION) {
      this.#server.addService(
        definitionOf(service),
        this.#reflection.implementation,
      );
    }
    this.#injector = this.#server.createConnectionInjector(
      ServerCredentials.createInsecure(),
    );
  }

  /** Takes a connection and serves it. */
  injectConnection(connection: ConnStream): void {
    const name = connection.remoteAddress;
    this.#connections.set(name, connection);
    connection.once("close", () => {
      this.#connections.delete(name);
      if (this.#connections.size === 0) this.#idle?.();
    });
    this.#injector.injectConnection(connection);
  }

  /**
   * Aborts the pending calls, sends GOAWAY to the peers, and after a second
   * destroys the connections that are still open.
   *
   * Connections are counted here. The callback of `tryShutdown` comes too early,
   * because a session that is closing counts as closed, or never, if a stream stays
   * open.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#health.close();
    this.#reflection.close();
    for (const call of this.#calls) call.abort();
    this.#server.tryShutdown(() => {});
    if (this.#connections.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#idle = resolve;
      const timeout = setTimeout(resolve, CLOSE_TIMEOUT_MS);
      await promise;
      clearTimeout(timeout);
    }
    this.#server.forceShutdown();
    for (const connection of this.#connections.values()) connection.destroy();
  }

  #unary(
    name: MethodName,
    handler: UnaryHandler<object> | undefined,
  ): handleUnaryCall<object, Uint8Array> {
    const { encode } = this.#codecs(METHODS[name].response);
    return async (call, done) => {
      if (handler === undefined) return done(notServed(name));
      using caller = this.#caller(call);
      try {
        const request = this.#request(name, call);
        const answer = encode(await handler(caller, request));
        this.#owe(call, answer, true);
        done(null, answer);
      } catch (error) {
        done(this.#statusOf(name, error, caller.signal));
      }
    };
  }

  #stream(
    name: MethodName,
    handler: StreamHandler<object> | undefined,
  ): handleServerStreamingCall<object, Uint8Array> {
    const { encode } = this.#codecs(METHODS[name].response);
    return async (call) => {
      if (handler === undefined) {
        return void call.emit("error", notServed(name));
      }
      using caller = this.#caller(call);
      const { signal } = caller;
      try {
        const request = this.#request(name, call);
        for await (const response of handler(caller, request)) {
          const answer = encode(response);
          this.#owe(call, answer, false);
          if (!call.write(answer)) await drained(call, signal);
          if (signal.aborted) break;
        }
        signal.throwIfAborted();
        call.end();
      } catch (error) {
        call.emit("error", this.#statusOf(name, error, signal));
      }
    };
  }

  /** Charges an answer to the caller's process until the call's stream has closed. */
  #owe(call: ServedCall, { length }: Uint8Array, isWhole: boolean): void {
    const session = this.#sessionOf(call);
    if (session === undefined) return;
    // grpc-js reports finished calls as cancelled too, when their stream has closed.
    call.once("cancelled", session.answer(length, isWhole));
    session.useful();
  }

  #sessionOf(call: ServedCall): GrpcSession | undefined {
    return this.#connections.get(call.getPeer())?.session;
  }

  /** Returns the request. If its bytes were no message, counts that and throws why. */
  #request(name: MethodName, call: ServedCall & { request: object }): object {
    const { request } = call;
    if (!(request instanceof Undecodable)) return request;
    this.#incidents.note(
      "malformed",
      this.#log,
      "A malformed request was refused",
      this.#sessionOf(call)?.process,
      { call: name, error: request.error.message },
    );
    throw request.error;
  }

  /** The caller. It is disposed when the call is answered; its signal does not abort after that. */
  #caller(call: ServedCall): Caller & Disposable {
    const controller = new AbortController();
    this.#calls.add(controller);
    // grpc-js reports finished calls as cancelled too.
    call.on("cancelled", () => {
      if (this.#calls.has(controller)) controller.abort();
    });
    const process = this.#sessionOf(call)?.process;
    const token = call.metadata.get(TOKEN_METADATA)[0];
    return {
      carrier: "grpc",
      ...(process === undefined ? {} : { process }),
      ...(token === undefined ? {} : { token: String(token) }),
      signal: controller.signal,
      [Symbol.dispose]: () => void this.#calls.delete(controller),
    };
  }

  #statusOf(
    name: MethodName,
    error: unknown,
    signal: AbortSignal,
  ): Partial<StatusObject> {
    if (error instanceof BridgeError) {
      const metadata = new Metadata();
      metadata.set(CODE_METADATA, error.code);
      return {
        code: STATUS_OF_CODE[error.code] ?? status.UNKNOWN,
        details: fitLine(error.message, MAX_REASON_LENGTH),
        metadata,
      };
    }
    if (signal.aborted) {
      return {
        code: status.UNAVAILABLE,
        details: "The call was cancelled, or the broker is shutting down",
      };
    }
    this.#log.error("a handler failed", {
      call: name,
      error: describeError(error),
    });
    return {
      code: status.INTERNAL,
      details: `The broker failed in ${name}; its log says why`,
    };
  }
}

function define(
  name: MethodName,
  codecs: ReturnType<typeof createCodecs>,
): MethodDefinition<object, Uint8Array> {
  const { path, request, responseStream } = METHODS[name];
  return {
    path,
    requestStream: false,
    responseStream,
    requestSerialize: codecs(request).encode,
    requestDeserialize: (bytes) => decoded(name, bytes, codecs(request).decode),
    // The handlers encode, so that the bytes can be charged.
    responseSerialize: (answer) => answer as Buffer,
    responseDeserialize: (bytes) => bytes,
  };
}

/** What this server uses of a call. */
interface ServedCall {
  readonly metadata: Metadata;
  getPeer(): string;
  on(event: "cancelled", f: () => void): unknown;
  once(event: "cancelled", f: () => void): unknown;
}

/** Ends calls whose request is not complete in time. */
function requestsInTime(clock: TimerClock): ServerInterceptor {
  return ({ requestStream }, call) => {
    if (requestStream) return new ServerInterceptingCall(call);
    const timer = clock.after(REQUEST_TIMEOUT_MS, () =>
      call.sendStatus({
        code: status.DEADLINE_EXCEEDED,
        details: `The request was not complete within ${REQUEST_TIMEOUT_MS} ms`,
      }));
    timer.unref();
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveHalfClose: (next) => {
            timer.cancel();
            next();
          },
          onCancel: () => timer.cancel(),
        }),
    });
  };
}

function notServed(name: MethodName): StatusObject {
  return {
    code: status.UNIMPLEMENTED,
    details:
      `This broker (protocol version ${PROTOCOL_VERSION}) does not serve ${name}`,
    metadata: new Metadata(),
  };
}

/** Resolves when the stream can take more, or when the call is over. */
async function drained(
  call: ServerWritableStream<object, Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  call.once("drain", resolve);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  call.off("drain", resolve);
}
