/**
 * A process's connection to the broker, over XPC: the control calls as
 * promises. As long as it is open the broker knows that this process lives.
 *
 * @module
 */

import { BridgeError } from "../proto/errors.ts";
import { KEY, type MESSAGE_TYPE } from "../proto/keys.ts";
import type { XpcDictionary } from "../proto/xpc_value.ts";
import { getString } from "../proto/xpc_value.ts";
import { Connection, type RequestOptions } from "./connection.ts";
import type { Message } from "./message.ts";
import type { Native } from "./native.ts";

type MessageType = typeof MESSAGE_TYPE[keyof typeof MESSAGE_TYPE];

/** A connection to the broker. */
export class BrokerLink implements Disposable {
  /** The service that it goes to. */
  readonly service: string;
  readonly #connection: Connection;
  #token: string | undefined;

  /**
   * @param service the broker's service name
   * @param token the caller's side's token, where it has one already
   */
  constructor(native: Native, service: string, token?: string) {
    this.service = service;
    this.#token = token;
    this.#connection = Connection.toService(native, service);
    this.#connection.activate({
      message: (message) => message[Symbol.dispose](),
      ended: () => {}, // a broker that goes away ends nothing but the calls that wait for it
    });
  }

  /** From now on calls carry this side's token. */
  authorize(token: string): void {
    this.#token = token || undefined;
  }

  /**
   * One call. The caller owns the reply.
   *
   * @throws {BridgeError} `broker_unreachable` where nobody serves the name or
   * it went away, `timed_out`, `aborted`, `connection_failed` with the broker's
   * words where it refuses the call
   */
  async call(
    type: MessageType,
    fields: XpcDictionary,
    options: RequestOptions,
  ): Promise<Message> {
    let reply: Message;
    try {
      reply = await this.#connection.request({
        [KEY.type]: type,
        [KEY.token]: this.#token,
        ...fields,
      }, options);
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
    if (reply.body[KEY.success] !== false) return reply;
    const error = getString(reply.body, KEY.error) ?? "no reason was given";
    const hint = getString(reply.body, KEY.hint);
    reply[Symbol.dispose]();
    throw new BridgeError(
      "connection_failed",
      `The broker refused ${type}: ${error}${hint ? ` (${hint})` : ""}`,
    );
  }

  /** Ends it: the broker then takes this process for gone. */
  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]();
  }
}

/** Whether a call failed because the broker is gone or the wait for it was called off, not by its decision. */
export function isBrokerGone(error: unknown): boolean {
  return error instanceof BridgeError &&
    (error.code === "broker_unreachable" || error.code === "timed_out" ||
      error.code === "aborted");
}
