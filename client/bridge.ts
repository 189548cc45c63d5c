/**
 * The client's half of the bridge: it does what the handshake's state machine
 * says, until frames flow, and ends in order.
 *
 * @module
 */

import { BrokerLink, isBrokerGone } from "../ffi/broker_link.ts";
import { OwnedCapability } from "../ffi/capability.ts";
import { Channel } from "../ffi/channel/channel.ts";
import { Connection } from "../ffi/connection.ts";
import type { Message } from "../ffi/message.ts";
import { Native } from "../ffi/native.ts";
import { parseConnectionSchema } from "../proto/connection_schema_json.ts";
import type { ConnectionSchema } from "../proto/connection_schema.ts";
import type { ConnectionSchemaJson } from "../proto/connection_schema_json.ts";
import { BridgeError, describeError } from "../proto/errors.ts";
import {
  CLIENT_PHASE_TEXT,
  type ClientEffect,
  type ClientEvent,
  type ClientPhase,
  clientStep,
  hasPayload,
  helloMessage,
  pongMessage,
} from "../proto/handshake.ts";
import {
  CHANNEL_KEY,
  CTRL_TYPE,
  KEY,
  MESSAGE_TYPE,
  PING,
  REASON,
} from "../proto/keys.ts";
import type { PortMap } from "../proto/port.ts";
import { schemaHash } from "../proto/schema_hash.ts";
import { getString, uint64 } from "../proto/xpc_value.ts";

const CALL_TIMEOUT_MS = 5_000;
/** How long one request for the endpoint is held by the broker. */
const HOLD_MS = 10_000;
/** How long the host may take from our hello to its ping. */
const PING_TIMEOUT_MS = 10_000;

/** Which connection this process is the client of. */
export interface ClientIdentity {
  readonly connection_id: string;
  /** The client's token; "" where the connection has none. */
  readonly token: string;
  /** The broker's service name. */
  readonly service: string;
}

/** What a host tells a processor that runs. */
export type ClientCommand = "start" | "stop" | "pause" | "resume";

const COMMANDS: ReadonlySet<string> = new Set<ClientCommand>([
  CTRL_TYPE.start,
  CTRL_TYPE.stop,
  CTRL_TYPE.pause,
  CTRL_TYPE.resume,
]);

/** What the bridge asks of the runner. */
export interface ClientBridgeEvents {
  /** The channel works: load the module, and call {@link ClientBridge.started}. */
  load(schema: ConnectionSchema): void;
  /** A frame can be read. */
  arrived(): void;
  /** The host wants the processor to start, stop, pause or resume. */
  command(command: ClientCommand): void;
  /** It is over: by the host's wish or death (`undefined`), or by a failure. Called once. */
  ended(failure: BridgeError | undefined): void;
}

/** The client's half of one connection. */
export class ClientBridge implements Disposable {
  readonly #identity: ClientIdentity;
  readonly #events: ClientBridgeEvents;
  readonly #native: Native;
  readonly #link: BrokerLink;
  readonly #abort = new AbortController();
  #phase: ClientPhase = "new";
  #mode = "";
  #schema: ConnectionSchema | undefined;
  #schemaHash = "";
  #endpoint: OwnedCapability | undefined;
  #connection: Connection | undefined;
  #channel: Channel<PortMap, PortMap> | undefined;
  #pingTimer: ReturnType<typeof setTimeout> | undefined;

  /** Begins at once. Throws what `Native.open` throws. */
  constructor(identity: ClientIdentity, events: ClientBridgeEvents) {
    this.#identity = identity;
    this.#events = events;
    this.#native = Native.open();
    this.#link = new BrokerLink(
      this.#native,
      identity.service,
      identity.token,
    );
    this.#apply({ type: "begin" });
  }

  /** The ports. There once the module is to be loaded. */
  get channel(): Channel<PortMap, PortMap> {
    if (this.#channel) return this.#channel;
    throw new BridgeError(
      "closed",
      "Cannot use the ports: there is no channel",
    );
  }

  /** The module, a processor of this mode, has started: the host may send frames. */
  started(mode: string): void {
    this.#mode = mode;
    this.#apply({ type: "module_started" });
  }

  /** The processor has failed: the host is told, with the stack. */
  failed(error: unknown): void {
    this.#channel?.sendControl(CTRL_TYPE.error, {
      [CHANNEL_KEY.error]: describeError(error),
      [CHANNEL_KEY.stack]: error instanceof Error
        ? error.stack ?? undefined
        : undefined,
    });
    this.#apply({ type: "failed", reason: describeError(error) });
  }

  // ---- the machine ----

  #apply(event: ClientEvent): void {
    const { phase, effects } = clientStep(this.#phase, event);
    const before = this.#phase;
    this.#phase = phase;
    for (const effect of effects) this.#do(effect, before);
  }

  #run(step: () => Promise<ClientEvent | undefined>): void {
    Promise.try(step).then(
      (event) => event && this.#apply(event),
      (error) =>
        this.#apply({
          type: "failed",
          reason: error instanceof BridgeError
            ? error.message
            : describeError(error),
        }),
    );
  }

  #do(effect: ClientEffect, before: ClientPhase): void {
    switch (effect.type) {
      case "get_schema":
        return this.#run(() => this.#getSchema());
      case "get_endpoint":
        return this.#run(() => this.#getEndpoint());
      case "connect":
        return this.#connect();
      case "pong":
        clearTimeout(this.#pingTimer);
        return this.#connection!.send(pongMessage());
      case "report_acked":
        return this.#run(() => this.#reportAcked());
      case "load_module":
        return this.#events.load(this.#schema!);
      case "tell_started":
        this.#channel!.open();
        return this.#channel!.sendControl(CTRL_TYPE.started, {
          [CHANNEL_KEY.mode]: this.#mode,
        });
      case "fail":
        return this.#end(
          new BridgeError(
            "handshake_failed",
            `${effect.reason} (${CLIENT_PHASE_TEXT[before]})`,
          ),
        );
      case "close":
        return this.#end(undefined);
    }
  }

  #end(failure: BridgeError | undefined): void {
    clearTimeout(this.#pingTimer);
    this.#abort.abort();
    this.#channel?.end(failure);
    this.#events.ended(failure);
  }

  // ---- with the broker ----

  #call(
    type: Parameters<BrokerLink["call"]>[0],
    fields: Parameters<BrokerLink["call"]>[1],
    timeoutMs = CALL_TIMEOUT_MS,
  ): Promise<Message> {
    return this.#link.call(type, {
      [KEY.connectionId]: this.#identity.connection_id,
      ...fields,
    }, { timeoutMs, signal: this.#abort.signal });
  }

  async #getSchema(): Promise<ClientEvent> {
    using reply = await this.#call(MESSAGE_TYPE.getSchema, {});
    const text = getString(reply.body, KEY.schemaJson);
    if (reply.body[KEY.found] !== true || text === undefined) {
      throw new BridgeError(
        "connection_failed",
        `The broker '${this.#identity.service}' knows no connection of this id; check STREAMLIB_CONNECTION_ID`,
      );
    }
    if (text === "") {
      throw new BridgeError(
        "schema_mismatch",
        "This connection has no schema: whoever allocates it gives schema_json",
      );
    }
    const json = JSON.parse(text) as ConnectionSchemaJson;
    this.#schema = parseConnectionSchema(json);
    this.#schemaHash = schemaHash(json);
    return { type: "schema_received" };
  }

  async #getEndpoint(): Promise<ClientEvent> {
    using reply = await this.#call(
      MESSAGE_TYPE.getEndpoint,
      { [KEY.waitMs]: uint64(HOLD_MS) },
      HOLD_MS + CALL_TIMEOUT_MS,
    );
    const { body } = reply;
    if (body[KEY.found] === true) {
      const endpoint = reply.take(KEY.endpoint, "endpoint");
      if (!endpoint) {
        throw new BridgeError(
          "malformed_message",
          "The broker's reply lacks the endpoint",
        );
      }
      this.#endpoint = new OwnedCapability(this.#native, endpoint);
      return { type: "endpoint_received" };
    }
    const reason = getString(body, KEY.reason);
    if (reason === REASON.hostEndpointNotReady) {
      return { type: "endpoint_not_ready" };
    }
    throw new BridgeError(
      "connection_failed",
      `The broker has no endpoint for this client: ${
        getString(body, KEY.failureReason) ?? getString(body, KEY.hint) ??
          reason ?? getString(body, KEY.error) ?? "no reason was given"
      }`,
    );
  }

  /** The channel works, whatever the broker says to that: one that is gone ends nothing. */
  async #reportAcked(): Promise<undefined> {
    try {
      using _ = await this.#call(MESSAGE_TYPE.acked, { [KEY.side]: "client" });
    } catch (error) {
      if (!isBrokerGone(error)) throw error;
    }
  }

  // ---- with the host ----

  #connect(): void {
    using endpoint = this.#endpoint!;
    const schema = this.#schema!;
    const connection = Connection.toEndpoint(this.#native, endpoint.borrow());
    this.#connection = connection;
    this.#channel = new Channel(
      this.#native,
      schema.outputs,
      schema.inputs,
      {
        control: (type, message) => this.#control(type, message),
        arrived: () => this.#events.arrived(),
        problem: (text) => warn(text),
      },
    );
    this.#channel.attach(connection);
    connection.activate({
      message: (message) => this.#channel!.receive(message),
      // The end of the channel is a shutdown, whoever caused it.
      ended: () => this.#hostLost(),
    });
    connection.send(
      helloMessage({ ...this.#identity, schema_hash: this.#schemaHash }),
    );
    this.#pingTimer = setTimeout(() => {
      this.#apply({
        type: "failed",
        reason: `no ping came within ${PING_TIMEOUT_MS} ms of the hello`,
      });
    }, PING_TIMEOUT_MS);
  }

  #hostLost(): void {
    if (this.#phase === "awaiting_ping") {
      this.#apply({
        type: "failed",
        reason: "the host closed the channel before it had tested it",
      });
    } else {
      this.#apply({ type: "close" });
    }
  }

  #control(type: string, message: Message): void {
    if (type === CTRL_TYPE.ping) {
      this.#apply({ type: "ping", valid: hasPayload(message.body, PING) });
    } else if (type === CTRL_TYPE.teardown) {
      this.#apply({ type: "close" });
    } else if (COMMANDS.has(type)) {
      this.#events.command(type as ClientCommand);
    } else if (type === CTRL_TYPE.error) {
      const reason = getString(message.body, CHANNEL_KEY.reason);
      this.#apply({
        type: "failed",
        reason: `the host refused this client: ${reason ?? "no reason given"}`,
      });
    }
  }

  /** Lets go of everything. */
  [Symbol.dispose](): void {
    clearTimeout(this.#pingTimer);
    this.#abort.abort();
    this.#channel?.[Symbol.dispose]();
    this.#connection?.[Symbol.dispose]();
    this.#endpoint?.[Symbol.dispose]();
    this.#link[Symbol.dispose]();
    this.#native[Symbol.dispose]();
  }
}

function warn(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`streamlib: ${text}\n`));
}
