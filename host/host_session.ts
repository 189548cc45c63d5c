/**
 * The host's side of one connection at the broker: found, allocated, stored,
 * acked, and told of the end. A broker that goes away before the client has
 * come is given everything again when it is back.
 *
 * @module
 */

import type { OwnedCapability } from "../ffi/capability.ts";
import { pause } from "../ffi/clock.ts";
import type { Native } from "../ffi/native.ts";
import { canonicalJson } from "../proto/schema/json/canonical_json.ts";
import type { ConnectionSchema } from "../proto/schema/connection_schema.ts";
import { connectionSchemaToJson } from "../proto/schema/json/connection_schema_json.ts";
import {
  accepted,
  type CallOptions,
  isBrokerGone,
  type RequestOf,
  type ResponseOf,
  type UnaryMethod,
} from "../proto/wire/control.ts";
import { BridgeError } from "../proto/errors.ts";
import type { Credentials } from "../proto/states/handshake.ts";
import { KEY, MESSAGE_TYPE } from "../proto/wire/keys.ts";
import { LAST_WORD_TIMEOUT_MS, POLL_INTERVAL_MS } from "../proto/limits.ts";
import { schemaHash } from "../proto/schema/json/schema_hash.ts";
import type { BrokerLease } from "./broker_finder.ts";

/** What is to be allocated. */
export interface SessionOptions {
  readonly schema: ConnectionSchema;
  readonly runtimeId: string;
  readonly processorId: string;
  readonly processorType: string;
  /** Seconds until a connection that is not ready has failed. */
  readonly timeoutSecs: number;
  /** Finds the broker. `lost` is called when the one that was found has gone. */
  findBroker(
    native: Native,
    lost: () => void,
    signal: AbortSignal,
  ): Promise<BrokerLease>;
}

/** One connection, as the broker knows it. Its calls throw `BridgeError`. */
export class HostSession implements AsyncDisposable {
  readonly #native: Native;
  readonly #options: SessionOptions;
  readonly #lost: () => void;
  /** How many brokers have gone so far. */
  #losses = 0;
  /** The one that has allocated the connection, by how many had gone before it. */
  #allocatedAt = 0;
  #storing = false;
  readonly #abort = new AbortController();
  #finding: Promise<BrokerLease> | undefined;
  #broker: BrokerLease | undefined;
  #hostToken = "";
  #credentials: Credentials = { connection_id: "", token: "", schema_hash: "" };
  #trouble = "";

  /**
   * @param options what is to be allocated
   * @param lost called when the broker has gone
   */
  constructor(native: Native, options: SessionOptions, lost: () => void) {
    this.#native = native;
    this.#options = options;
    this.#lost = () => {
      this.#losses++;
      lost();
    };
  }

  /** The broker, once it is found. */
  get broker(): BrokerLease | undefined {
    return this.#broker;
  }

  /** What the client must prove; empty before it is allocated. */
  get credentials(): Credentials {
    return this.#credentials;
  }

  /** Why the broker is being asked again, "" if it is not. */
  get trouble(): string {
    return this.#trouble;
  }

  /** Finds the broker, and allocates. */
  async allocate(): Promise<void> {
    const { signal } = this.#abort;
    this.#finding = this.#options.findBroker(this.#native, this.#lost, signal);
    this.#broker = await this.#finding;
    const { schema } = this.#options;
    const response = await this.#untilAnswered(() => {
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
   * Gives the broker the endpoint, which stays the caller's too: once, however
   * often it has to be tried. Called again after a loss, it gives a broker that
   * has come back everything that the one before it knew.
   *
   * @param arrived aborts when the client has come, and it is over: it then ends without a word
   */
  async storeEndpoint(
    endpoint: OwnedCapability,
    arrived: AbortSignal,
  ): Promise<void> {
    if (this.#storing) return; // whoever is at it has heard of the loss too
    const stop = AbortSignal.any([arrived, this.#abort.signal]);
    try {
      await this.#untilStored(endpoint, stop);
    } catch (error) {
      if (!stop.aborted) throw error;
    }
  }

  /** Until the broker that is there has the endpoint: one that had it may be gone by the time that its answer is read. */
  async #untilStored(
    endpoint: OwnedCapability,
    signal: AbortSignal,
  ): Promise<void> {
    let tried = false;
    let losses: number;
    this.#storing = true;
    try {
      do {
        losses = this.#losses;
        await this.#untilAnswered(() => {
          const first = !tried && this.#losses === this.#allocatedAt;
          tried = true;
          return first
            ? this.#store(endpoint, signal)
            : this.#restore(endpoint, signal);
        }, signal);
      } while (losses !== this.#losses);
    } finally {
      this.#storing = false;
    }
  }

  /** The channel works, whatever the broker says to that; what it says is returned if it is no. */
  async reportAcked(): Promise<string | undefined> {
    const refusal = await this.#tell("MarkAcked", { side: "host" });
    // It came back too late to see the client come, and would wait for it in vain.
    if (refusal?.code === "connection_failed") {
      await this.#tell("CloseConnection", {
        reason:
          "the channel works; it was made with the broker before this one",
      });
    }
    return refusal?.message;
  }

  /** What went over the channel. As little as an ack can it end anything. */
  async reportStats(stats: RequestOf<"ReportStats">): Promise<void> {
    await this.#tell("ReportStats", { ...stats, side: "host" });
  }

  /** The connection as the broker has it; `undefined` before it is allocated. */
  async info(): Promise<ResponseOf<"GetConnectionInfo"> | undefined> {
    const { connection_id } = this.#credentials;
    if (connection_id === "") return undefined;
    const { signal } = this.#abort;
    return await this.#call("GetConnectionInfo", { connection_id }, { signal });
  }

  /** Tells the broker that it is over: in order, or with the failure. It is over, whatever the broker says to that. */
  async reportEnd(failure: BridgeError | undefined): Promise<void> {
    const timeoutMs = LAST_WORD_TIMEOUT_MS;
    await (failure
      ? this.#tell("ReportFailure", {
        side: "host",
        reason: failure.message,
      }, timeoutMs)
      : this.#tell("CloseConnection", {
        reason: "the host closed it",
      }, timeoutMs));
  }

  // ---- calls ----

  /** One call that nothing depends on: what it failed with. */
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
      if (!(error instanceof BridgeError)) throw error;
      return error;
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

  /** Stores where it is not stored, and allocates first where that is not known: the broker may be another, or the same, which was slow. */
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

  /** Takes a step until the broker has answered it: one that is gone may come back. */
  async #untilAnswered<T>(
    step: () => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    while (true) {
      try {
        const result = await step();
        this.#trouble = "";
        return result;
      } catch (error) {
        if (!isBrokerGone(error)) throw error;
        this.#trouble = (error as BridgeError).message;
      }
      await pause(this.#native.clock, POLL_INTERVAL_MS, signal);
      signal.throwIfAborted();
    }
  }

  #call<M extends UnaryMethod>(
    method: M,
    request: RequestOf<M>,
    options: CallOptions,
  ): Promise<ResponseOf<M>> {
    const token = this.#hostToken;
    return this.#broker!.control.call(method, request, { ...options, token });
  }

  /** Calls off what is under way, and lets go of the broker. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    const found = await this.#finding?.catch(() => undefined); // told by allocate
    await found?.[Symbol.asyncDispose]();
  }
}
