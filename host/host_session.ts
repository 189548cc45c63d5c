/**
 * The host's calls to the broker for one connection: it allocates the
 * connection, stores the endpoint, reports the ack, the counters and the end. If
 * the broker is lost before the client has connected, the next broker gets the
 * same connection and endpoint.
 *
 * @module
 */

import type { OwnedCapability } from "../ffi/capability.ts";
import type { Native } from "../ffi/native.ts";
import { PersistentRequest } from "../ffi/persistent_request.ts";
import { canonicalJson } from "../proto/schema/json/canonical_json.ts";
import type { ConnectionSchema } from "../proto/schema/connection_schema.ts";
import { connectionSchemaToJson } from "../proto/schema/json/connection_schema_json.ts";
import {
  accepted,
  type CallOptions,
  type RequestOf,
  type ResponseOf,
  type UnaryMethod,
} from "../proto/wire/control.ts";
import { BridgeError, describeError } from "../proto/errors.ts";
import type { Credentials } from "../proto/states/handshake_messages.ts";
import type { RetryRules } from "../proto/states/retry.ts";
import { KEY, MESSAGE_TYPE } from "../proto/wire/keys.ts";
import { fitLine } from "../proto/escape.ts";
import {
  LAST_WORD_TIMEOUT_MS,
  MAX_REASON_LENGTH,
  POLL_INTERVAL_MS,
} from "../proto/limits.ts";
import { schemaHash } from "../proto/schema/json/schema_hash.ts";
import type { BrokerLease } from "./broker_finder.ts";

/** The bridge ends the connection after its timeout: no deadline here. */
const RETRY_RULES: RetryRules = {
  firstPauseMs: POLL_INTERVAL_MS,
  maxPauseMs: POLL_INTERVAL_MS,
};

/** The options of a session. */
export interface SessionOptions {
  readonly schema: ConnectionSchema;
  readonly runtimeId: string;
  readonly processorId: string;
  readonly processorType: string;
  /** Seconds after which a connection that is not ready fails. */
  readonly timeoutSecs: number;
  /** Finds the broker. `lost` is called each time that a broker is lost. */
  findBroker(
    native: Native,
    lost: () => void,
    signal: AbortSignal,
  ): Promise<BrokerLease>;
}

/** One connection of the host at the broker. Its methods throw `BridgeError`. */
export class HostSession implements AsyncDisposable {
  readonly #native: Native;
  readonly #options: SessionOptions;
  readonly #lost: () => void;
  /** The number of brokers lost so far. */
  #losses = 0;
  /** The value of `#losses` when the connection was allocated. */
  #allocatedAt = 0;
  readonly #allocation: PersistentRequest;
  readonly #storage: PersistentRequest;
  readonly #abort = new AbortController();
  #finding: Promise<BrokerLease> | undefined;
  #broker: BrokerLease | undefined;
  #hostToken = "";
  #credentials: Credentials = { connection_id: "", token: "", schema_hash: "" };

  /**
   * @param lost called each time that a broker is lost
   */
  constructor(native: Native, options: SessionOptions, lost: () => void) {
    this.#native = native;
    this.#options = options;
    this.#allocation = new PersistentRequest(native.clock, RETRY_RULES);
    this.#storage = new PersistentRequest(native.clock, RETRY_RULES);
    this.#lost = () => {
      this.#losses++;
      this.#storage.lost();
      lost();
    };
  }

  /** The broker; `undefined` before it is found. */
  get broker(): BrokerLease | undefined {
    return this.#broker;
  }

  /** What the client must prove in its first message; empty strings before the connection is allocated. */
  get credentials(): Credentials {
    return this.#credentials;
  }

  /** Why the broker is being asked again; "" if it is not. */
  get trouble(): string {
    return this.#allocation.trouble || this.#storage.trouble;
  }

  /** Finds the broker and allocates the connection there. */
  async allocate(): Promise<void> {
    const { signal } = this.#abort;
    this.#finding = this.#options.findBroker(this.#native, this.#lost, signal);
    this.#broker = await this.#finding;
    const { schema } = this.#options;
    const response = await this.#allocation.ask(() => {
      this.#allocatedAt = this.#losses;
      return this.#allocate({ want_tokens: true }, signal);
    }, signal);
    this.#hostToken = response.host_token;
    this.#credentials = {
      connection_id: response.connection_id,
      token: response.client_token,
      schema_hash: schemaHash(connectionSchemaToJson(schema)),
    };
  }

  /**
   * Stores the endpoint at the broker, and repeats that until a broker has it.
   * The caller keeps its endpoint. Call it again after a broker is lost: the next
   * broker then gets the connection and the endpoint.
   *
   * @param arrived aborts when the client has connected: the method then returns
   */
  async storeEndpoint(
    endpoint: OwnedCapability,
    arrived: AbortSignal,
  ): Promise<void> {
    if (this.#storage.isAsking) return; // the call that is under way asks the next broker too
    const stop = AbortSignal.any([arrived, this.#abort.signal]);
    let isFirst = true;
    try {
      await this.#storage.ask(() => {
        const isKnown = isFirst && this.#losses === this.#allocatedAt;
        isFirst = false;
        return isKnown
          ? this.#store(endpoint, stop)
          : this.#restore(endpoint, stop);
      }, stop);
    } catch (error) {
      if (!stop.aborted) throw error;
    }
  }

  /** Reports that the channel works. Returns the broker's refusal, `undefined` if it accepts. */
  async reportAcked(): Promise<string | undefined> {
    const refusal = await this.#tell("MarkAcked", { side: "host" });
    // A broker that started after the client had connected would wait for the client until the timeout.
    if (refusal?.code === "connection_failed") {
      await this.#tell("CloseConnection", {
        reason: "the channel works; it was opened through an earlier broker",
      });
    }
    return refusal?.message;
  }

  /** Reports the channel's counters. Returns the error as text; the channel goes on. */
  async reportStats(
    stats: RequestOf<"ReportStats">,
  ): Promise<string | undefined> {
    const error = await this.#tell("ReportStats", { ...stats, side: "host" });
    return error?.message;
  }

  /** Returns the broker's record of the connection; `undefined` before it is allocated. */
  async info(): Promise<ResponseOf<"GetConnectionInfo"> | undefined> {
    const { connection_id } = this.#credentials;
    if (connection_id === "") return undefined;
    const { signal } = this.#abort;
    return await this.#call("GetConnectionInfo", { connection_id }, { signal });
  }

  /** Reports the end of the connection: a close, or the failure. The broker's answer is ignored. */
  async reportEnd(failure: BridgeError | undefined): Promise<void> {
    const timeoutMs = LAST_WORD_TIMEOUT_MS;
    await (failure
      ? this.#tell("ReportFailure", {
        side: "host",
        reason: fitLine(failure.message, MAX_REASON_LENGTH),
      }, timeoutMs)
      : this.#tell("CloseConnection", {
        reason: "the host closed it",
      }, timeoutMs));
  }

  // ---- calls ----

  /** Makes a call whose result does not matter to the connection. Returns the error if it fails. */
  async #tell<
    M extends "MarkAcked" | "ReportStats" | "ReportFailure" | "CloseConnection",
  >(
    method: M,
    request: RequestOf<M>,
    timeoutMs?: number,
  ): Promise<BridgeError | undefined> {
    const { connection_id } = this.#credentials;
    if (connection_id === "") return undefined;
    const { signal } = this.#abort;
    try {
      accepted(
        method,
        await this.#call(
          method,
          { ...request, connection_id },
          { signal, ...(timeoutMs !== undefined && { timeoutMs }) },
        ),
      );
      return undefined;
    } catch (error) {
      if (error instanceof BridgeError) return error;
      return new BridgeError("native_failure", describeError(error), {
        cause: error,
      });
    }
  }

  #allocate(
    held: RequestOf<"AllocateConnection">,
    signal: AbortSignal,
  ): Promise<ResponseOf<"AllocateConnection">> {
    const { schema, runtimeId, processorId, processorType, timeoutSecs } =
      this.#options;
    return this.#call("AllocateConnection", {
      runtime_id: runtimeId,
      processor_id: processorId,
      processor_type: processorType,
      timeout_secs: timeoutSecs,
      schema_json: canonicalJson(connectionSchemaToJson(schema)),
      ...held,
    }, { signal }).then((response) => accepted("AllocateConnection", response));
  }

  async #store(
    endpoint: OwnedCapability,
    signal: AbortSignal,
  ): Promise<void> {
    using _ = await this.#broker!.link.relay(MESSAGE_TYPE.storeEndpoint, {
      [KEY.connectionId]: this.#credentials.connection_id,
      [KEY.endpoint]: endpoint.borrow(),
    }, { token: this.#hostToken, signal });
  }

  /** Allocates the connection again under its old id, and stores the endpoint unless the broker has it. Works for a new broker, and for the same broker if its answer was lost. */
  async #restore(
    endpoint: OwnedCapability,
    signal: AbortSignal,
  ): Promise<void> {
    const { connection_id, token } = this.#credentials;
    await this.#allocate({
      connection_id,
      host_token: this.#hostToken,
      client_token: token,
    }, signal);
    const info = await this.#call("GetConnectionInfo", { connection_id }, {
      signal,
    });
    if (info.host_xpc_endpoint_stored || info.client_connected) return;
    await this.#store(endpoint, signal);
  }

  #call<M extends UnaryMethod>(
    method: M,
    request: RequestOf<M>,
    options: CallOptions,
  ): Promise<ResponseOf<M>> {
    const token = this.#hostToken;
    return this.#broker!.control.call(method, request, { ...options, token });
  }

  /** Aborts the calls that are under way, and releases the broker. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    const found = await this.#finding?.catch(() => undefined); // thrown by allocate
    await found?.[Symbol.asyncDispose]();
  }
}
