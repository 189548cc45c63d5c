/**
 * A process's XPC connection to the broker: the control calls as promises, and
 * the relay of the endpoint, which only XPC can carry. While it is open, the
 * broker takes this process to be alive.
 *
 * @module
 */

import {
  CALL_TIMEOUT_MS,
  type CallOptions,
  checkedResponse,
  type ControlClient,
  type RequestOf,
  type ResponseOf,
  toDictionary,
  type UnaryMethod,
} from "../proto/wire/control.ts";
import { BridgeError, isErrorCode } from "../proto/errors.ts";
import { brokerCommand } from "../proto/foreground.ts";
import {
  CALL_OF_MESSAGE_TYPE,
  KEY,
  type MESSAGE_TYPE,
} from "../proto/wire/keys.ts";
import { getString, type XpcDictionary } from "../proto/wire/xpc_value.ts";
import { Connection } from "./connection.ts";
import type { Message } from "./message.ts";
import type { Native } from "./native.ts";

/** The messages that carry an endpoint, in the request or in the reply. */
export type RelayMessage =
  | typeof MESSAGE_TYPE.storeEndpoint
  | typeof MESSAGE_TYPE.getEndpoint;

/** The message type of each call: the inverse of the broker's table. */
const MESSAGE_TYPE_OF_CALL: Readonly<Record<string, string>> = Object
  .fromEntries(
    Object.entries(CALL_OF_MESSAGE_TYPE).map(([type, call]) => [call, type]),
  );

/** A connection to the broker. */
export class BrokerLink implements ControlClient {
  /** The name of the broker's service. */
  readonly service: string;
  readonly #lost: () => void;
  readonly #dial: () => Connection;
  #connection: Connection | undefined;
  /** Whether the broker has answered on the connection. */
  #isReached = false;
  #reason = "";
  #disposed = false;

  /**
   * @param service the broker's service name
   * @param lost called when a broker that was reached has ended. Calls can go
   * on: they reach the next broker
   * @param dial makes a connection to it. Default: by its name
   */
  constructor(
    native: Native,
    service: string,
    lost: () => void = () => {},
    dial: () => Connection = () => Connection.toService(native, service),
  ) {
    this.service = service;
    this.#lost = lost;
    this.#dial = dial;
    this.#connected();
  }

  /** Returns the connection. Makes a new one if the last found no broker: XPC never retries such a connection. */
  #connected(): Connection {
    if (this.#connection) return this.#connection;
    const connection = this.#dial();
    this.#connection = connection;
    this.#isReached = false;
    connection.activate({
      message: (message) => message[Symbol.dispose](),
      ended: (end, reason) => {
        this.#reason = reason;
        // By name, "invalid" means that no broker was found; by endpoint, also that the one that was there has ended.
        const isLost = end !== "invalid" || this.#isReached;
        this.#isReached = false;
        if (end === "invalid") this.#drop(connection);
        if (isLost && !this.#disposed) this.#lost();
      },
    });
    return connection;
  }

  #drop(connection: Connection): void {
    if (this.#connection === connection) this.#connection = undefined;
    connection[Symbol.dispose]();
  }

  /** Makes a call, see {@link ControlClient}. */
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
    const ask = (): Promise<Message> =>
      this.#ask(type, toDictionary(request), options);
    using reply = await (method === "GetVersion" ? this.#askTwice(ask) : ask());
    return checkedResponse(method, reply.body, this.service);
  }

  /**
   * Asks again if the broker ended during the call: an idle broker may end, and
   * the service manager starts the next one. Only for calls that are harmless if
   * made twice.
   */
  async #askTwice(ask: () => Promise<Message>): Promise<Message> {
    const connection = this.#connected();
    try {
      return await ask();
    } catch (error) {
      const gone = error instanceof BridgeError &&
        error.code === "broker_unreachable";
      // A connection that never reached a broker is invalid and disposed.
      if (!gone || connection.isDisposed) throw error;
      return await ask();
    }
  }

  /** Stores or gets the endpoint. The caller owns the reply. Throws what {@link call} throws, and `connection_failed` if the broker refuses. */
  async relay(
    type: RelayMessage,
    fields: XpcDictionary,
    options: CallOptions = {},
  ): Promise<Message> {
    const reply = await this.#ask(type, fields, options);
    const { body } = reply;
    if (body[KEY.success] !== false) return reply;
    reply[Symbol.dispose]();
    const hint = getString(body, KEY.hint);
    throw new BridgeError(
      "connection_failed",
      `The broker refused ${type}: ${errorIn(body)}${hint ? ` (${hint})` : ""}`,
    );
  }

  async #ask(
    type: string,
    fields: XpcDictionary,
    options: CallOptions,
  ): Promise<Message> {
    const { token, timeoutMs = CALL_TIMEOUT_MS, signal } = options;
    if (this.#disposed) {
      throw new BridgeError(
        "closed",
        `Cannot ask the broker '${this.service}' for ${type}: closed`,
      );
    }
    const connection = this.#connected();
    let reply: Message;
    try {
      reply = await connection.request(
        { [KEY.type]: type, [KEY.token]: token || undefined, ...fields },
        { timeoutMs, ...(signal && { signal }) },
      );
    } catch (cause) {
      throw this.#unanswered(type, timeoutMs, connection, cause);
    }
    this.#isReached = this.#connection === connection;
    const code = getString(reply.body, KEY.code);
    if (!isErrorCode(code)) return reply;
    reply[Symbol.dispose]();
    throw new BridgeError(
      code,
      `The broker '${this.service}' refused ${type}: ${errorIn(reply.body)}`,
    );
  }

  /** Converts the error of a request without an answer into one that names the broker. */
  #unanswered(
    type: string,
    timeoutMs: number,
    connection: Connection,
    cause: unknown,
  ): unknown {
    if (!(cause instanceof BridgeError)) return cause;
    const { service } = this;
    if (cause.code === "timed_out") {
      return new BridgeError(
        "timed_out",
        `The broker '${service}' did not answer ${type} within ${timeoutMs} ms`,
        { cause },
      );
    }
    if (cause.code !== "channel_lost") return cause;
    const reason = connection.isDisposed ? this.#reason : connection.reason();
    return new BridgeError(
      "broker_unreachable",
      `Cannot reach the broker '${service}' for ${type}: ${
        reason || "it went away"
      }; start one with \`${brokerCommand()}\`, or give no address to use an embedded one`,
      { cause },
    );
  }

  /** Closes the connection. The broker then takes this process to have ended. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#connection?.[Symbol.dispose]();
  }
}

function errorIn(body: XpcDictionary): string {
  return getString(body, KEY.error) ?? "no reason was given";
}
