/**
 * A process's connection to the broker, over XPC: the control calls as
 * promises, and the relay of the endpoint, which nothing else can carry. As
 * long as it is open the broker knows that this process lives.
 *
 * @module
 */

import { DESCRIPTOR, METHODS } from "../proto/broker_gen.ts";
import {
  CALL_TIMEOUT_MS,
  type CallOptions,
  type Control,
  fromDictionary,
  type RequestOf,
  type ResponseOf,
  toDictionary,
  type UnaryMethod,
} from "../proto/control.ts";
import { BridgeError } from "../proto/errors.ts";
import { CALL_OF_MESSAGE_TYPE, KEY, type MESSAGE_TYPE } from "../proto/keys.ts";
import { getString, type XpcDictionary } from "../proto/xpc_value.ts";
import { Connection } from "./connection.ts";
import type { Message } from "./message.ts";
import type { Native } from "./native.ts";

/** The messages that carry an endpoint, one way or the other. */
export type RelayMessage =
  | typeof MESSAGE_TYPE.storeEndpoint
  | typeof MESSAGE_TYPE.getEndpoint;

/** Which message type carries a call: the other way round than the broker reads it. */
const MESSAGE_TYPE_OF_CALL: Readonly<Record<string, string>> = Object
  .fromEntries(
    Object.entries(CALL_OF_MESSAGE_TYPE).map(([type, call]) => [call, type]),
  );

/** A connection to the broker. */
export class BrokerLink implements Control {
  /** The service that it goes to. */
  readonly service: string;
  readonly #connection: Connection;

  /**
   * @param service the broker's service name
   * @param lost called when a broker that was there has gone. Calls may go on:
   * they reach the one that comes next
   */
  constructor(native: Native, service: string, lost: () => void = () => {}) {
    this.service = service;
    this.#connection = Connection.toService(native, service);
    this.#connection.activate({
      message: (message) => message[Symbol.dispose](),
      ended: () => lost(),
    });
  }

  /** A call, as {@link Control} says; `connection_failed` where the broker cannot answer it at all. */
  async call<M extends UnaryMethod>(
    method: M,
    request: RequestOf<M>,
    options: CallOptions = {},
  ): Promise<ResponseOf<M>> {
    const type = MESSAGE_TYPE_OF_CALL[method];
    if (type === undefined) {
      throw new BridgeError(
        "bad_argument",
        `Cannot call ${method} over XPC: only gRPC carries it`,
      );
    }
    using reply = await this.#ask(type, toDictionary(request), options);
    const response = fromDictionary(reply.body);
    const { fields } = DESCRIPTOR[METHODS[method].response]!;
    if (response[KEY.success] === false && !(KEY.success in fields)) {
      throw refused(type, reply.body);
    }
    return response as unknown as ResponseOf<M>;
  }

  /** Stores or gets the endpoint. The caller owns the reply. Throws as {@link call}, also where the broker refuses it. */
  async relay(
    type: RelayMessage,
    fields: XpcDictionary,
    options: CallOptions = {},
  ): Promise<Message> {
    const reply = await this.#ask(type, fields, options);
    if (reply.body[KEY.success] !== false) return reply;
    using _ = reply;
    throw refused(type, reply.body);
  }

  async #ask(
    type: string,
    fields: XpcDictionary,
    options: CallOptions,
  ): Promise<Message> {
    const { token, timeoutMs = CALL_TIMEOUT_MS, signal } = options;
    try {
      return await this.#connection.request(
        { [KEY.type]: type, [KEY.token]: token || undefined, ...fields },
        { timeoutMs, ...(signal && { signal }) },
      );
    } catch (cause) {
      if (!(cause instanceof BridgeError) || cause.code !== "channel_lost") {
        throw cause;
      }
      throw new BridgeError(
        "broker_unreachable",
        `Cannot reach the broker '${this.service}' for ${type}: ${
          this.#connection.reason() || "it went away"
        }; start one with \`deno task broker\`, or give no address to use an embedded one`,
        { cause },
      );
    }
  }

  /** Ends it: the broker then takes this process for gone. */
  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}

function refused(type: string, body: XpcDictionary): BridgeError {
  const error = getString(body, KEY.error) ?? "no reason was given";
  const hint = getString(body, KEY.hint);
  return new BridgeError(
    "connection_failed",
    `The broker refused ${type}: ${error}${hint ? ` (${hint})` : ""}`,
  );
}
