/**
 * The host's side of one connection at the broker: found, allocated, stored,
 * acked, and told of the end.
 *
 * @module
 */

import { isBrokerGone } from "../ffi/broker_link.ts";
import type { OwnedCapability } from "../ffi/capability.ts";
import type { Message } from "../ffi/message.ts";
import type { Native } from "../ffi/native.ts";
import { canonicalJson } from "../proto/canonical_json.ts";
import type { ConnectionSchema } from "../proto/connection_schema.ts";
import { connectionSchemaToJson } from "../proto/connection_schema_json.ts";
import { BridgeError } from "../proto/errors.ts";
import type { Credentials } from "../proto/handshake.ts";
import { KEY, MESSAGE_TYPE } from "../proto/keys.ts";
import { schemaHash } from "../proto/schema_hash.ts";
import { getString, uint64, type XpcDictionary } from "../proto/xpc_value.ts";
import type { BrokerLease } from "./broker_finder.ts";

/** How long one call to the broker may take. */
const CALL_TIMEOUT_MS = 5_000;

/** What is to be allocated. */
export interface SessionOptions {
  readonly schema: ConnectionSchema;
  readonly runtimeId: string;
  readonly processorId: string;
  readonly processorType: string;
  /** Seconds until a connection that is not ready has failed. */
  readonly timeoutSecs: number;
  /** Finds the broker. */
  findBroker(native: Native, signal: AbortSignal): Promise<BrokerLease>;
}

/** One connection, as the broker knows it. Its calls throw `BridgeError`. */
export class BrokerSession implements AsyncDisposable {
  readonly #options: SessionOptions;
  readonly #abort = new AbortController();
  #finding: Promise<BrokerLease> | undefined;
  #broker: BrokerLease | undefined;
  #credentials: Credentials = { connection_id: "", token: "", schema_hash: "" };

  /** @param options what is to be allocated */
  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** The broker, once it is found. */
  get broker(): BrokerLease | undefined {
    return this.#broker;
  }

  /** What the client must prove; empty before it is allocated. */
  get credentials(): Credentials {
    return this.#credentials;
  }

  /** Finds the broker, and allocates. */
  async allocate(native: Native): Promise<void> {
    this.#finding = this.#options.findBroker(native, this.#abort.signal);
    const broker = await this.#finding;
    this.#broker = broker;
    const { schema, runtimeId, processorId, processorType, timeoutSecs } =
      this.#options;
    const json = connectionSchemaToJson(schema);
    using reply = await this.#call(MESSAGE_TYPE.allocate, {
      [KEY.runtimeId]: runtimeId,
      [KEY.processorId]: processorId,
      [KEY.processorType]: processorType,
      [KEY.timeoutSecs]: uint64(timeoutSecs),
      [KEY.schemaJson]: canonicalJson(json),
      [KEY.wantTokens]: true,
    });
    broker.link.authorize(getString(reply.body, KEY.hostToken) ?? "");
    this.#credentials = {
      connection_id: getString(reply.body, KEY.connectionId) ?? "",
      token: getString(reply.body, KEY.clientToken) ?? "",
      schema_hash: schemaHash(json),
    };
  }

  /** Gives the broker the endpoint, which stays the caller's too. */
  async storeEndpoint(endpoint: OwnedCapability): Promise<void> {
    using _ = await this.#call(MESSAGE_TYPE.storeEndpoint, {
      [KEY.connectionId]: this.#credentials.connection_id,
      [KEY.endpoint]: endpoint.borrow(),
    });
  }

  /** The channel works, whatever the broker says to that: one that is gone ends nothing. */
  async reportAcked(): Promise<void> {
    try {
      using _ = await this.#call(MESSAGE_TYPE.acked, {
        [KEY.connectionId]: this.#credentials.connection_id,
        [KEY.side]: "host",
      });
    } catch (error) {
      if (!isBrokerGone(error)) throw error;
    }
  }

  /** Tells the broker that it is over: in order, or with the failure. */
  async reportEnd(failure: BridgeError | undefined): Promise<void> {
    const { connection_id } = this.#credentials;
    if (connection_id === "") return;
    const about = { [KEY.connectionId]: connection_id };
    try {
      using _ = failure
        ? await this.#call(MESSAGE_TYPE.reportFailure, {
          ...about,
          [KEY.side]: "host",
          [KEY.reason]: failure.message,
        })
        : await this.#call(MESSAGE_TYPE.close, {
          ...about,
          [KEY.reason]: "the host closed it",
        });
    } catch (error) {
      // The broker may be gone, or have ended the connection itself: it is over either way.
      if (!(error instanceof BridgeError)) throw error;
    }
  }

  #call(
    type: Parameters<BrokerLease["link"]["call"]>[0],
    fields: XpcDictionary,
  ): Promise<Message> {
    return this.#broker!.link.call(type, fields, {
      timeoutMs: CALL_TIMEOUT_MS,
      signal: this.#abort.signal,
    });
  }

  /** Calls off what is under way, and lets go of the broker. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    const found = await this.#finding?.catch(() => undefined); // told by allocate
    await found?.[Symbol.asyncDispose]();
  }
}
