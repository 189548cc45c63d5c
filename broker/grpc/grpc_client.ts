/**
 * A client of the control plane, typed by the calls of `broker.proto`. Used by the
 * command line and by probes.
 *
 * Import it dynamically, only if gRPC is used: it loads grpc-js and protobufjs,
 * which takes 100 ms and 40 MB and reads GRPC_* variables.
 *
 * @module
 */

import {
  Client,
  type ClientOptions,
  connectivityState,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { type MethodName, METHODS } from "../../proto/broker_gen.ts";
import {
  CALL_TIMEOUT_MS,
  type CallOptions,
  type ControlClient,
  type RequestOf,
  type ResponseOf,
  type StreamMethod,
  type UnaryMethod,
} from "../../proto/wire/control.ts";
import {
  BridgeError,
  type ErrorCode,
  isErrorCode,
} from "../../proto/errors.ts";
import { brokerCommand } from "../../proto/foreground.ts";
import { CODE_METADATA, TOKEN_METADATA } from "../../proto/wire/keys.ts";
import { formatAddress, parseAddress } from "../address.ts";
import { type CodecTable, createCodecs } from "./grpc_codec.ts";
import { connectionCause } from "./connection_cause.ts";
import { guardHttp2 } from "./http2_guard.ts";
import { guardPipes } from "./pipe_guard.ts";

const OPTIONS: ClientOptions = {
  // No proxy for a loopback address.
  "grpc.enable_http_proxy": 0,
  "grpc.enable_channelz": 0,
  "grpc.use_local_subchannel_pool": 1,
  "grpc.max_receive_message_length": -1,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  // A stream has no deadline: keepalive detects a broker that hangs.
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
};

/** The error code for each status; `broker_lost` for any other. */
const CODES: Partial<Record<status, ErrorCode>> = {
  [status.CANCELLED]: "aborted",
  [status.DEADLINE_EXCEEDED]: "timed_out",
  [status.INVALID_ARGUMENT]: "bad_argument",
  [status.PERMISSION_DENIED]: "not_permitted",
  [status.RESOURCE_EXHAUSTED]: "bad_argument",
  [status.UNAUTHENTICATED]: "not_permitted",
  [status.UNAVAILABLE]: "broker_unreachable",
  [status.UNIMPLEMENTED]: "version_mismatch",
};

/** What grpc-js says of a response that is no message of the call. */
const UNREADABLE = /^Response message parsing error/;

/**
 * A session with one broker. It connects with the first call, and again after the
 * broker was restarted. Every call has a deadline.
 *
 * Calls throw BridgeError `broker_unreachable`, `timed_out`, `bad_argument`,
 * `not_permitted`, `aborted`, `version_mismatch` if the broker does not have the
 * call, `malformed_message` if the request or the response is none, `broker_lost`
 * if the response was lost, `closed` after this client was disposed, or the code
 * that the broker gives.
 *
 * ```ts ignore
 * const { GrpcClient } = await import("./grpc_client.ts");
 * using client = new GrpcClient("unix:/run/user/1000/streamlib/broker.grpc");
 * const { connections } = await client.call("ListConnections", {});
 * ```
 */
export class GrpcClient implements ControlClient {
  /** The broker's address. */
  readonly address: string;
  readonly #client: Client;
  readonly #codecs: CodecTable = createCodecs();
  readonly #closing = new AbortController();
  #closed = false;

  /** Throws BridgeError `bad_argument` if `address` is neither `unix:/path` nor a loopback port. */
  constructor(address: string) {
    guardHttp2();
    const place = parseAddress(address);
    this.address = formatAddress(place);
    const insecure = credentials.createInsecure();
    this.#client = new Client(
      this.address,
      place.transport === "unix" ? guardPipes(insecure) : insecure,
      OPTIONS,
    );
  }

  /** Makes a call with one response. */
  async call<M extends UnaryMethod>(
    method: M,
    request: RequestOf<M>,
    options: CallOptions = {},
  ): Promise<ResponseOf<M>> {
    this.#checkOpen(method);
    const { path, encode, decode } = this.#codec(method);
    const timeoutMs = options.timeoutMs ?? CALL_TIMEOUT_MS;
    const metadata = metadataOf(method, options);
    if (options.signal?.aborted) throw this.#aborted(method);
    return await new Promise((resolve, reject) => {
      const abort = (): void => call.cancel();
      const call = this.#client.makeUnaryRequest(
        path,
        encode,
        decode,
        request,
        metadata,
        { deadline: Date.now() + timeoutMs },
        (error, response) => {
          options.signal?.removeEventListener("abort", abort);
          if (error) reject(this.#errorOf(method, error, timeoutMs));
          else resolve(response as ResponseOf<M>);
        },
      );
      options.signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /**
   * Makes a call with a stream of responses. Leaving the loop cancels it. The
   * stream itself has no deadline.
   */
  async *stream<M extends StreamMethod>(
    method: M,
    request: RequestOf<M>,
    options: CallOptions = {},
  ): AsyncGenerator<ResponseOf<M>, void, void> {
    this.#checkOpen(method);
    const { path, encode, decode } = this.#codec(method);
    const metadata = metadataOf(method, options);
    await this.#connected(method, options);
    const call = this.#client.makeServerStreamRequest(
      path,
      encode,
      decode,
      request,
      metadata,
    );
    call.on("error", () => {}); // the loop below throws it
    const abort = (): void => call.cancel();
    options.signal?.addEventListener("abort", abort, { once: true });
    try {
      for await (const response of call) yield response as ResponseOf<M>;
    } catch (error) {
      const failure = error as ServiceError;
      throw failure.code === status.UNAVAILABLE
        ? this.#lost(method, failure)
        : this.#errorOf(method, failure, 0);
    } finally {
      options.signal?.removeEventListener("abort", abort);
      call.cancel();
    }
  }

  /** Closes the session. Pending calls throw. */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.#closing.abort();
    this.#client.close();
  }

  /** Throws `closed`; grpc-js would throw an error of its own. */
  #checkOpen(method: MethodName): void {
    if (this.#closed) throw this.#closedError(method);
  }

  #closedError(method: MethodName): BridgeError {
    return new BridgeError(
      "closed",
      `Cannot ${method}: this client of the broker at ${this.address} is closed`,
    );
  }

  #aborted(method: MethodName): BridgeError {
    return new BridgeError(
      "aborted",
      `Cannot ${method} at ${this.address}: its signal has aborted`,
    );
  }

  #codec<M extends MethodName>(method: M): {
    path: string;
    encode: (request: object) => ReturnType<ReturnType<CodecTable>["encode"]>;
    decode: (bytes: Uint8Array) => object;
  } {
    const { path, request, response } = METHODS[method];
    return {
      path,
      encode: this.#codecs(request).encode,
      decode: this.#codecs(response).decode,
    };
  }

  /** Waits for the connection. grpc-js does not stop to wait when the caller gives up or this client is closed, so its late answer is ignored. */
  async #connected(
    method: MethodName,
    { timeoutMs = CALL_TIMEOUT_MS, signal }: CallOptions,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = (): void => reject(this.#aborted(method));
    const onClose = (): void => reject(this.#closedError(method));
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#closing.signal.addEventListener("abort", onClose, { once: true });
    this.#client.waitForReady(Date.now() + timeoutMs, (error) => {
      if (error) reject(this.#unreachable(method, error.message));
      else resolve();
    });
    try {
      await promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#closing.signal.removeEventListener("abort", onClose);
    }
  }

  #errorOf(
    method: MethodName,
    error: ServiceError,
    timeoutMs: number,
  ): BridgeError {
    const { code, details } = error;
    if (this.#closed) return this.#closedError(method);
    const given = error.metadata?.get(CODE_METADATA)[0];
    if (isErrorCode(given?.toString())) {
      return new BridgeError(
        given.toString() as ErrorCode,
        `Cannot ${method} at ${this.address}: ${details}`,
        { cause: error },
      );
    }
    if (code === status.INTERNAL && UNREADABLE.test(details)) {
      return new BridgeError(
        "malformed_message",
        `The reply of the broker at ${this.address} to ${method} is malformed: ${details}`,
        { cause: error },
      );
    }
    if (code === status.UNAVAILABLE || !this.#isConnected(code)) {
      return this.#unreachable(method, connectionCause(details), error);
    }
    const what = code === status.DEADLINE_EXCEEDED
      ? `no answer within ${timeoutMs} ms; is the broker stopped or overloaded?`
      : details;
    return new BridgeError(
      CODES[code] ?? "broker_lost",
      `Cannot ${method} at ${this.address}: ${what}`,
      { cause: error },
    );
  }

  /** False if the deadline passed without a connection, so that there is no broker. */
  #isConnected(code: status): boolean {
    return code !== status.DEADLINE_EXCEEDED ||
      this.#client.getChannel().getConnectivityState(false) ===
        connectivityState.READY;
  }

  #lost(method: MethodName, cause: ServiceError): BridgeError {
    return new BridgeError(
      "broker_lost",
      `Cannot go on with ${method}: the broker at ${this.address} has gone (${cause.details}); call again once it is back`,
      { cause },
    );
  }

  #unreachable(method: MethodName, why: string, cause?: Error): BridgeError {
    return new BridgeError(
      "broker_unreachable",
      `Cannot ${method}: no broker answers at ${this.address} (${why}); start one with \`${brokerCommand()}\`; if one runs, its log says why it refused this process`,
      { cause },
    );
  }
}

/** Throws `bad_argument` if the token cannot be a header. The message does not contain the token. */
function metadataOf(method: MethodName, { token }: CallOptions): Metadata {
  const metadata = new Metadata();
  if (token === undefined) return metadata;
  try {
    metadata.set(TOKEN_METADATA, token);
  } catch {
    throw new BridgeError(
      "bad_argument",
      `Cannot ${method}: the token has characters that no header can carry`,
    );
  }
  return metadata;
}
