/**
 * The client's calls to the broker for its connection: it gets the schema and the
 * host's endpoint, and reports the ack, the counters and the end. It repeats a
 * request if there is no broker, or if a new broker does not know the connection
 * yet.
 *
 * @module
 */

import { BrokerLink } from "../ffi/broker_link.ts";
import { OwnedCapability } from "../ffi/capability.ts";
import type { Message } from "../ffi/message.ts";
import type { Native } from "../ffi/native.ts";
import {
  PersistentRequest,
  UnknownConnection,
} from "../ffi/persistent_request.ts";
import {
  accepted,
  type CallOptions,
  checkVersion,
  type ControlClient,
  type RequestOf,
  type ResponseOf,
  type UnaryMethod,
} from "../proto/wire/control.ts";
import { BridgeError, describeError } from "../proto/errors.ts";
import { fitLine } from "../proto/escape.ts";
import { KEY, MESSAGE_TYPE, REASON } from "../proto/wire/keys.ts";
import {
  DEFAULT_TIMEOUT_SECS,
  LAST_WORD_TIMEOUT_MS,
  MAX_REASON_LENGTH,
  POLL_INTERVAL_MS,
} from "../proto/limits.ts";
import { getNumber, getString, uint64 } from "../proto/wire/xpc_value.ts";

/** How long the broker holds one request for the endpoint. */
const HOLD_MS = 10_000;
/** The further time limit of a held request. */
const HOLD_SLACK_MS = 5_000;
/** How long brokers may not know the connection. A broker that has just started learns it from the host soon. */
const UNKNOWN_GRACE_MS = 5_000;

/** The connection of this client. */
export interface ClientIdentity {
  readonly connection_id: string;
  /** The client's token; "" if the connection has none. */
  readonly token: string;
  /** The broker's service name. */
  readonly service: string;
}

/** What a client uses of its process. */
export interface ClientSurroundings {
  /** A lease; the client takes ownership. */
  readonly native: Native;
  /** Opens the control API over gRPC. Default: the XPC connection to the broker carries the control calls. */
  readonly openControl?: () => Promise<ControlClient>;
  /** Whether the process that started this one is gone. */
  isOrphan(): boolean;
  /** Called with warnings, for instance about the reason of a delay. */
  warn(text: string): void;
}

/** One connection of the client at the broker. Its methods throw `BridgeError`. */
export class ClientSession implements Disposable {
  readonly #identity: ClientIdentity;
  readonly #surroundings: ClientSurroundings;
  readonly #native: Native;
  readonly #link: BrokerLink;
  readonly #abort = new AbortController();
  #control: Promise<ControlClient> | undefined;
  readonly #request: PersistentRequest;

  /** Connects to the broker with the first call. */
  constructor(identity: ClientIdentity, surroundings: ClientSurroundings) {
    this.#identity = identity;
    this.#surroundings = surroundings;
    this.#native = surroundings.native;
    this.#link = new BrokerLink(this.#native, identity.service);
    const { clock } = this.#native;
    this.#request = new PersistentRequest(clock, {
      firstPauseMs: POLL_INTERVAL_MS,
      maxPauseMs: POLL_INTERVAL_MS,
      unknownGraceMs: UNKNOWN_GRACE_MS,
      deadline: clock.now() + DEFAULT_TIMEOUT_SECS * 1000,
      orphanError: ({ message }) =>
        surroundings.isOrphan()
          ? new BridgeError(
            "channel_lost",
            `The host's process is gone; the last attempt: ${message}`,
          )
          : undefined,
      retrying: (reason) => surroundings.warn(`asking again: ${reason}`),
    });
  }

  /** Returns the connection's schema as JSON text. */
  async getSchema(): Promise<string> {
    const { connection_id, service } = this.#identity;
    const text = await this.#request.ask(async () => {
      const [{ found, schema_json }] = await Promise.all([
        this.#call("GetConnectionSchema", { connection_id }),
        checkVersion(this.#link, service, { signal: this.#abort.signal }),
      ]);
      return found ? schema_json : this.#unknown();
    }, this.#abort.signal);
    if (text !== "") return text;
    throw new BridgeError(
      "schema_mismatch",
      "This connection has no schema: it was allocated without schema_json",
    );
  }

  /** Returns the host's endpoint, which the caller disposes; `undefined` if the broker did not get it while it held the request. */
  async getEndpoint(): Promise<OwnedCapability | undefined> {
    const answer = await this.#request.ask(async () => {
      using reply = await this.#link.relay(MESSAGE_TYPE.getEndpoint, {
        [KEY.connectionId]: this.#identity.connection_id,
        [KEY.waitMs]: uint64(HOLD_MS),
      }, {
        token: this.#identity.token,
        timeoutMs: HOLD_MS + HOLD_SLACK_MS,
        signal: this.#abort.signal,
      });
      return this.#endpointIn(reply);
    }, this.#abort.signal);
    return answer === "not ready" ? undefined : answer;
  }

  /** Reports that the channel works. Returns the broker's refusal, `undefined` if it accepts. */
  reportAcked(): Promise<string | undefined> {
    return this.#tell("MarkAcked", {});
  }

  /** Reports the channel's counters. Returns the error as text; the channel goes on. */
  reportStats(stats: RequestOf<"ReportStats">): Promise<string | undefined> {
    return this.#tell("ReportStats", stats);
  }

  /** Reports the end of the connection: a close, or the failure. The broker's answer is ignored. Works after {@link abort} too. */
  async reportEnd(failure: string | undefined): Promise<void> {
    const options = { timeoutMs: LAST_WORD_TIMEOUT_MS };
    await (failure === undefined
      ? this.#tell("CloseConnection", { reason: "the host closed it" }, options)
      : this.#tell("ReportFailure", {
        reason: fitLine(failure, MAX_REASON_LENGTH),
      }, options));
  }

  /** Aborts the calls that are under way: they throw. */
  abort(): void {
    this.#abort.abort();
  }

  /** Aborts the calls that are under way, and closes the connection to the broker. */
  [Symbol.dispose](): void {
    this.abort();
    // If opening it failed, the call that needed it has thrown that.
    this.#control?.then((control) => control[Symbol.dispose](), () => {});
    this.#link[Symbol.dispose]();
  }

  /** Makes a call whose result does not matter to the connection. Returns the error as text. Never throws: an error here would hide the one that is reported. */
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

  /** Opens the carrier of the control calls. Throws `client_failed` if its module cannot be loaded, for instance because an npm package is not in Deno's cache. */
  async #openControl(): Promise<ControlClient> {
    const { openControl } = this.#surroundings;
    if (!openControl) return this.#link;
    try {
      return await openControl();
    } catch (cause) {
      if (cause instanceof BridgeError) throw cause;
      throw new BridgeError(
        "client_failed",
        `Cannot load the modules that control: "grpc" needs in the client: ${
          describeError(cause)
        }; control: "xpc" needs none`,
        { cause },
      );
    }
  }

  #unknown(): UnknownConnection {
    const { service } = this.#identity;
    return new UnknownConnection(
      new BridgeError(
        "connection_failed",
        `The broker '${service}' does not know this connection; check STREAMLIB_CONNECTION_ID`,
      ),
    );
  }

  /** Interprets the reply to `get_endpoint`. */
  #endpointIn(
    reply: Message,
  ): OwnedCapability | "not ready" | UnknownConnection {
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
        this.#request.extend(this.#native.clock.now() + Number(left) * 1000);
      }
      return "not ready";
    }
    const error = getString(body, KEY.error);
    if (error === REASON.connectionNotFound) return this.#unknown();
    throw new BridgeError(
      "connection_failed",
      `The broker has no endpoint for this client: ${
        getString(body, KEY.failureReason) ?? getString(body, KEY.hint) ??
          reason ?? error ?? "no reason was given"
      }`,
    );
  }
}
