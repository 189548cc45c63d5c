/**
 * The client's side of its connection at the broker: the schema, the host's
 * endpoint, the ack. It goes on asking a broker that is gone, or that has come
 * back and knows nothing yet.
 *
 * @module
 */

import { BrokerLink } from "../ffi/broker_link.ts";
import { OwnedCapability } from "../ffi/capability.ts";
import { pause } from "../ffi/clock.ts";
import type { Message } from "../ffi/message.ts";
import type { Native } from "../ffi/native.ts";
import {
  accepted,
  type CallOptions,
  checkVersion,
  type ControlClient,
  isBrokerGone,
  type RequestOf,
  type ResponseOf,
  type UnaryMethod,
} from "../proto/wire/control.ts";
import { BridgeError, describeError } from "../proto/errors.ts";
import { KEY, MESSAGE_TYPE, REASON } from "../proto/wire/keys.ts";
import {
  DEFAULT_TIMEOUT_SECS,
  LAST_WORD_TIMEOUT_MS,
  POLL_INTERVAL_MS,
} from "../proto/limits.ts";
import { getNumber, getString, uint64 } from "../proto/wire/xpc_value.ts";

/** How long one request for the endpoint is held by the broker. */
const HOLD_MS = 10_000;
/** What a held request may take on top of that. */
const HOLD_SLACK_MS = 5_000;
/** How long no broker may know a connection of which none was heard before: one that has just come back hears of it from the host, soon. */
const UNKNOWN_GRACE_MS = 5_000;

/** Which connection this process is the client of. */
export interface ClientIdentity {
  readonly connection_id: string;
  /** The client's token; "" where the connection has none. */
  readonly token: string;
  /** The broker's service name. */
  readonly service: string;
}

/** What a client stands on. */
export interface ClientSurroundings {
  /** A lease, taken over. */
  readonly native: Native;
  /** Opens what carries the control calls over gRPC; the connection to the broker carries them if not said. */
  readonly openControl?: () => Promise<ControlClient>;
  /** Whether the process that started this one is gone, so that no answer will ever come. */
  isOrphan(): boolean;
  /** Called for what a person who looks for the reason of a delay should know. */
  warn(text: string): void;
}

/** One connection, as the broker knows it. Its calls throw `BridgeError`. */
export class ClientSession implements Disposable {
  readonly #identity: ClientIdentity;
  readonly #surroundings: ClientSurroundings;
  readonly #native: Native;
  readonly #link: BrokerLink;
  readonly #abort = new AbortController();
  #control: Promise<ControlClient> | undefined;
  #deadline: number;
  /** A broker has known the connection: it exists, whatever the next one says. */
  #known = false;

  /** Connects with the first call. */
  constructor(identity: ClientIdentity, surroundings: ClientSurroundings) {
    this.#identity = identity;
    this.#surroundings = surroundings;
    this.#native = surroundings.native;
    this.#link = new BrokerLink(this.#native, identity.service);
    this.#deadline = this.#native.clock.now() + DEFAULT_TIMEOUT_SECS * 1000;
  }

  /** The connection's schema as JSON text. */
  async getSchema(): Promise<string> {
    const { connection_id, service } = this.#identity;
    const text = await this.#untilAnswered(async () => {
      const [{ found, schema_json }] = await Promise.all([
        this.#call("GetConnectionSchema", { connection_id }),
        checkVersion(this.#link, service, { signal: this.#abort.signal }),
      ]);
      return found ? schema_json : undefined;
    });
    if (text !== "") return text;
    throw new BridgeError(
      "schema_mismatch",
      "This connection has no schema: whoever allocates it gives schema_json",
    );
  }

  /** The host's endpoint, which the caller disposes; `undefined` where it was not there for as long as one request is held. */
  async getEndpoint(): Promise<OwnedCapability | undefined> {
    const answer = await this.#untilAnswered(async () => {
      using reply = await this.#link.relay(MESSAGE_TYPE.getEndpoint, {
        [KEY.connectionId]: this.#identity.connection_id,
        [KEY.waitMs]: uint64(HOLD_MS),
      }, {
        token: this.#identity.token,
        timeoutMs: HOLD_MS + HOLD_SLACK_MS,
        signal: this.#abort.signal,
      });
      return this.#endpointIn(reply);
    });
    return answer === "not ready" ? undefined : answer;
  }

  /** The channel works, whatever the broker says to that; what it says is returned if it is no. */
  reportAcked(): Promise<string | undefined> {
    return this.#tell("MarkAcked", {});
  }

  /** What came over the channel. As little as an ack can it end anything. */
  reportStats(stats: RequestOf<"ReportStats">): Promise<string | undefined> {
    return this.#tell("ReportStats", stats);
  }

  /** Tells the broker that it is over: in order, or with the failure. It is, whatever the broker says to that, and also after {@link abort}. */
  async reportEnd(failure: string | undefined): Promise<void> {
    const options = { timeoutMs: LAST_WORD_TIMEOUT_MS };
    await (failure === undefined
      ? this.#tell("CloseConnection", { reason: "the host closed it" }, options)
      : this.#tell("ReportFailure", { reason: failure }, options));
  }

  /** Calls off what is under way: it then throws. */
  abort(): void {
    this.#abort.abort();
  }

  /** As {@link abort}, and ends the connection to the broker. */
  [Symbol.dispose](): void {
    this.abort();
    // Opening it failed: whoever asked was told.
    this.#control?.then((control) => control[Symbol.dispose](), () => {});
    this.#link[Symbol.dispose]();
  }

  /** One call that nothing depends on: what it failed with, as text. Never throws: an error here would hide the one that is reported. */
  async #tell<
    M extends "MarkAcked" | "ReportStats" | "ReportFailure" | "CloseConnection",
  >(
    method: M,
    request: RequestOf<M>,
    options?: CallOptions,
  ): Promise<string | undefined> {
    const { connection_id } = this.#identity;
    const about = { ...request, connection_id, side: "client" };
    try {
      accepted(method, await this.#call(method, about, options));
      return undefined;
    } catch (error) {
      return error instanceof BridgeError
        ? error.message
        : describeError(error);
    }
  }

  async #call<M extends UnaryMethod>(
    method: M,
    request: RequestOf<M>,
    options: CallOptions = { signal: this.#abort.signal },
  ): Promise<ResponseOf<M>> {
    this.#control ??= this.#openControl();
    const control = await this.#control;
    const { token } = this.#identity;
    return await control.call(method, request, { ...options, token });
  }

  /** What carries the control calls. Throws `client_failed` where its module cannot be loaded: one of its npm packages is not in Deno's cache, for instance. */
  async #openControl(): Promise<ControlClient> {
    const { openControl } = this.#surroundings;
    if (!openControl) return this.#link;
    try {
      return await openControl();
    } catch (cause) {
      if (cause instanceof BridgeError) throw cause;
      throw new BridgeError(
        "client_failed",
        `Cannot load what control: "grpc" needs in the client, control: "xpc" needs none of it: ${
          describeError(cause)
        }`,
        { cause },
      );
    }
  }

  /** Asks until there is an answer; `undefined` stands for a broker that does not know the connection. */
  async #untilAnswered<T>(ask: () => Promise<T | undefined>): Promise<T> {
    const { clock } = this.#native;
    const { signal } = this.#abort;
    let unknownSince: number | undefined;
    let told = "";
    while (true) {
      let trouble: BridgeError;
      try {
        const answer = await ask();
        if (answer !== undefined) {
          this.#known = true;
          return answer;
        }
        unknownSince ??= clock.now();
        trouble = new BridgeError(
          "connection_failed",
          `The broker '${this.#identity.service}' knows no connection of this id; check STREAMLIB_CONNECTION_ID`,
        );
        const tooLong = clock.now() - unknownSince >= UNKNOWN_GRACE_MS;
        if (tooLong && !this.#known) throw trouble;
      } catch (error) {
        if (!isBrokerGone(error)) throw error;
        unknownSince = undefined;
        trouble = error as BridgeError;
      }
      if (this.#surroundings.isOrphan()) {
        throw new BridgeError(
          "channel_lost",
          `The host's process is gone, and nobody answers for it: ${trouble.message}`,
        );
      }
      if (clock.now() >= this.#deadline) throw trouble;
      if (trouble.message !== told) {
        told = trouble.message;
        this.#surroundings.warn(`asking again: ${told}`);
      }
      await pause(clock, POLL_INTERVAL_MS, signal);
      signal.throwIfAborted();
    }
  }

  /** What the answer to `get_endpoint` means; `undefined` where the broker does not know the connection. */
  #endpointIn(reply: Message): OwnedCapability | "not ready" | undefined {
    const { body } = reply;
    if (body[KEY.found] === true) {
      const endpoint = reply.take(KEY.endpoint, "endpoint");
      if (endpoint) return new OwnedCapability(this.#native, endpoint);
      throw new BridgeError(
        "malformed_message",
        "The broker's reply lacks the endpoint",
      );
    }
    const reason = getString(body, KEY.reason);
    if (reason === REASON.hostEndpointNotReady) {
      const left = getNumber(body, KEY.timeoutRemainingSecs, "uint64");
      if (left !== undefined) {
        this.#deadline = this.#native.clock.now() + Number(left) * 1000;
      }
      return "not ready";
    }
    const error = getString(body, KEY.error);
    if (error === REASON.connectionNotFound) return undefined;
    throw new BridgeError(
      "connection_failed",
      `The broker has no endpoint for this client: ${
        getString(body, KEY.failureReason) ?? getString(body, KEY.hint) ??
          reason ?? error ?? "no reason was given"
      }`,
    );
  }
}
