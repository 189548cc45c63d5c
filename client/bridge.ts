/**
 * The client's half of the bridge: performs the effects of the handshake's state
 * machine, until the end.
 *
 * @module
 */

import type { OwnedCapability } from "../ffi/capability.ts";
import { Channel } from "../channel/channel.ts";
import { StatsReports } from "../channel/stats_report.ts";
import type { Timer } from "../ffi/clock.ts";
import { Connection } from "../ffi/connection.ts";
import { type KnownEnd, knownEnd } from "../ffi/end_reason.ts";
import type { Message } from "../ffi/message.ts";
import type { Native } from "../ffi/native.ts";
import {
  type ConnectionSchemaJson,
  parseConnectionSchema,
} from "../proto/schema/json/connection_schema_json.ts";
import type { ConnectionSchema } from "../proto/schema/connection_schema.ts";
import { Place } from "../proto/schema/schema_place.ts";
import {
  BridgeError,
  codeOf,
  describeError,
  firstError,
  isErrorCode,
  stackOf,
} from "../proto/errors.ts";
import {
  CLIENT_PHASE_TEXT,
  type ClientEffect,
  type ClientEvent,
  type ClientPhase,
  clientStep,
} from "../proto/states/handshake.ts";
import {
  clientErrorMessage,
  hasPayload,
  helloMessage,
  pongMessage,
} from "../proto/states/handshake_messages.ts";
import { chosenFeatures, parseFeatures } from "../proto/wire/features.ts";
import { CHANNEL_KEY, CTRL_TYPE, PING } from "../proto/wire/keys.ts";
import {
  LAST_WORD_TIMEOUT_MS,
  MAX_SCHEMA_BYTES,
  STATS_INTERVAL_MS,
} from "../proto/limits.ts";
import { channelFeatures } from "../channel/transport.ts";
import type { PortMap } from "../proto/schema/port.ts";
import { schemaHash } from "../proto/schema/json/schema_hash.ts";
import { getString, type XpcDictionary } from "../proto/wire/xpc_value.ts";
import {
  type ClientIdentity,
  ClientSession,
  type ClientSurroundings,
} from "./client_session.ts";

/** The time limit from the client's hello to the host's ping. */
const PING_TIMEOUT_MS = 10_000;

const SCHEMA_PLACE = new Place("the broker's schema of this connection");

/** What this client can. */
const MY_FEATURES = channelFeatures("lane");

const HOST_LOST =
  "the channel ended without a teardown: the host has failed, or its process has ended";

/** A host's command to a processor. */
export type ClientCommand = "start" | "stop" | "pause" | "resume";

const COMMANDS: ReadonlySet<string> = new Set<ClientCommand>([
  CTRL_TYPE.start,
  CTRL_TYPE.stop,
  CTRL_TYPE.pause,
  CTRL_TYPE.resume,
]);

/** Whether a control message is a host's command. */
export function isClientCommand(type: string): type is ClientCommand {
  return COMMANDS.has(type);
}

/** The callbacks of a bridge. */
export interface ClientBridgeEvents {
  /** Called when the channel works. The runner then loads the module and calls {@link ClientBridge.started}. */
  load(schema: ConnectionSchema): void;
  /** Called when a frame can be read. It is handed to the ports as it is. */
  readonly arrived: () => void;
  /** Called when the host has ended an input, and when its last frame was read. */
  readonly portEnded: () => void;
  /** Called when the host starts, stops, pauses or resumes the processor. */
  command(command: ClientCommand): void;
  /** Called with each other control message: a request of the host, perhaps. It is disposed when this returns. */
  request(type: string, message: Message): void;
  /** Called once, at the end: with the failure, or with `undefined` if the host has closed the channel or has ended. */
  ended(failure: BridgeError | undefined): void;
}

/** The client's half of one connection. */
export class ClientBridge implements AsyncDisposable {
  readonly #identity: ClientIdentity;
  readonly #events: ClientBridgeEvents;
  readonly #native: Native;
  readonly #warn: (text: string) => void;
  readonly #session: ClientSession;
  #phase: ClientPhase = "new";
  #mode = "";
  #ports: XpcDictionary = {};
  #schema: ConnectionSchema | undefined;
  #schemaHash = "";
  #ping: XpcDictionary = {};
  #endpoint: OwnedCapability | undefined;
  #connection: Connection | undefined;
  #channel: Channel<PortMap, PortMap> | undefined;
  #pingTimer: Timer | undefined;
  #statsTimer: Timer | undefined;
  #reported: Promise<unknown> | undefined;
  #toldHost: Promise<unknown> | undefined;
  /** Why the host has ended the connection, if it said so before this side had ended. The host reports that itself. */
  #hostsWord: "refused" | "failed" | undefined;

  /** Begins the handshake. */
  constructor(
    identity: ClientIdentity,
    surroundings: ClientSurroundings,
    events: ClientBridgeEvents,
  ) {
    this.#identity = identity;
    this.#events = events;
    this.#native = surroundings.native;
    this.#warn = (text) => surroundings.warn(text);
    this.#session = new ClientSession(identity, surroundings);
    this.#apply({ type: "begin" });
  }

  /** The ports. Throws `closed` before {@link ClientBridgeEvents.load} is called. */
  get channel(): Channel<PortMap, PortMap> {
    if (this.#channel) return this.#channel;
    throw new BridgeError(
      "closed",
      "Cannot use the ports: there is no channel yet",
    );
  }

  /** Whether this side has ended because its host failed. The host tells its owner. After a refusal it is false: the host may go on. */
  get isHostsFailure(): boolean {
    return this.#hostsWord === "failed";
  }

  /** The host's message `ping`, which says how it uses its ports; empty before it has come. */
  get ping(): XpcDictionary {
    return this.#ping;
  }

  /**
   * Reports that the module, a processor of this mode, has started: the host may
   * send frames.
   *
   * @param ports what the message says of its ports; nothing if it has the host's
   */
  started(mode: string, ports: XpcDictionary = {}): void {
    this.#mode = mode;
    this.#ports = ports;
    this.#apply({ type: "module_started" });
  }

  /** Reports to the host that the processor has flushed and its outputs have ended. */
  flushed(): void {
    const { channel } = this;
    if (channel.features.has("ends")) channel.sendControl(CTRL_TYPE.flushed);
  }

  /** Reports to the host that the processor has failed, with the stack. */
  failed(error: unknown): void {
    const first = firstError(error);
    const code = codeOf(first);
    const text = describeError(error);
    if (this.#phase !== "ended") {
      this.#tellHost(clientErrorMessage(text, code, stackOf(error)));
    }
    this.#apply({
      type: "failed",
      code: code ?? "client_failed",
      reason: text,
    });
  }

  /** Reports a failure to the host. Only the first report is sent. The host's answer says that it was read: this process must not end before. */
  #tellHost(report: XpcDictionary): void {
    const connection = this.#connection;
    if (!connection || this.#hostsWord) return;
    this.#toldHost ??= connection.request(report, {
      timeoutMs: LAST_WORD_TIMEOUT_MS,
    }).then((reply) => reply[Symbol.dispose](), () => {
      // A host that has ended, or does not answer: its failure is reported to the broker too.
    });
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
        this.#apply(
          error instanceof BridgeError
            ? { type: "failed", code: error.code, reason: error.message }
            : {
              type: "failed",
              code: "native_failure",
              reason: describeError(error),
            },
        ),
    );
  }

  #do(effect: ClientEffect, before: ClientPhase): void {
    switch (effect.type) {
      case "get_schema":
        return this.#run(() => this.#getSchema());
      case "get_endpoint":
        return this.#run(() => this.#getEndpoint());
      case "connect":
        return this.#run(() => Promise.resolve(this.#connect()));
      case "pong":
        this.#pingTimer?.cancel();
        return this.channel.openLane(
          this.#ping,
          (lane) => this.#connection!.send(pongMessage(lane)),
        );
      case "report_acked":
        return this.#run(() => this.#reportAcked());
      case "load_module":
        return this.#events.load(this.#schema!);
      case "tell_started":
        return this.#tellStarted();
      case "fail":
        return this.#fail(
          new BridgeError(
            effect.code,
            `${effect.reason} (${CLIENT_PHASE_TEXT[before]})`,
          ),
        );
      case "close":
        return this.#end(undefined);
    }
  }

  #fail(failure: BridgeError): void {
    this.#tellHost(clientErrorMessage(failure.message, failure.code));
    this.#end(failure);
  }

  #end(failure: BridgeError | undefined): void {
    this.#stopWaiting();
    // Of a host that has failed, the host's own report is the better one.
    if (!this.#hostsWord) this.#report(failure?.message);
    this.#channel?.end(failure);
    this.#events.ended(failure);
  }

  #stopWaiting(): void {
    this.#pingTimer?.cancel();
    this.#statsTimer?.cancel();
    this.#session.abort();
  }

  // ---- with the broker ----

  async #getSchema(): Promise<ClientEvent> {
    const text = await this.#session.getSchema();
    const json = SCHEMA_PLACE.json(text, MAX_SCHEMA_BYTES);
    this.#schema = parseConnectionSchema(json);
    this.#schemaHash = schemaHash(json as ConnectionSchemaJson);
    return { type: "schema_received" };
  }

  async #getEndpoint(): Promise<ClientEvent> {
    this.#endpoint = await this.#session.getEndpoint();
    return {
      type: this.#endpoint ? "endpoint_received" : "endpoint_not_ready",
    };
  }

  /** Reports the end to the broker, whose record would else say only that this process is gone. Only the first report is sent. */
  #report(failure: string | undefined): void {
    this.#reported ??= this.#session.reportEnd(failure);
  }

  async #reportAcked(): Promise<undefined> {
    const refusal = await this.#session.reportAcked();
    if (refusal !== undefined && this.#phase !== "ended") {
      this.#warn(`the broker refused the ack: ${refusal}`);
    }
  }

  /** Reports the counters once a second, while frames can flow. An idle channel has no timer. */
  #reportStats(
    channel: Channel<PortMap, PortMap>,
    reports: StatsReports,
  ): void {
    this.#statsTimer = this.#native.clock.after(STATS_INTERVAL_MS, () => {
      if (this.#phase !== "running") return;
      const report = reports.next;
      if (!report) {
        channel.whenStirred(() => this.#reportStats(channel, reports));
        return;
      }
      this.#run(async () => {
        await reports.send(report, (each) => this.#session.reportStats(each));
        if (this.#phase === "running") this.#reportStats(channel, reports);
        return undefined;
      });
    });
  }

  // ---- with the host ----

  #connect(): undefined {
    using endpoint = this.#endpoint!;
    const schema = this.#schema!;
    const connection = Connection.toEndpoint(this.#native, endpoint.borrow());
    this.#connection = connection;
    this.#channel = new Channel(
      this.#native,
      schema.outputs,
      schema.inputs,
      {
        control: (type, message) => this.#heard(type, message),
        arrived: this.#events.arrived,
        portEnded: this.#events.portEnded,
        problem: (text) => this.#warn(text),
        failed: ({ code, message }) =>
          this.#apply({ type: "failed", code, reason: message }),
      },
    );
    this.#channel.attach(connection);
    connection.activate({
      message: (message) => this.#channel!.receive(message),
      // The end of the channel ends the processor, whatever caused it.
      ended: (_, reason, code, told) =>
        this.#hostLost(knownEnd("the host", reason, code, told)),
      malformed: () => this.#channel!.malformed(),
    });
    connection.send(
      helloMessage(
        { ...this.#identity, schema_hash: this.#schemaHash },
        MY_FEATURES,
      ),
    );
    this.#pingTimer = this.#native.clock.after(PING_TIMEOUT_MS, () => {
      this.#apply({
        type: "failed",
        code: "handshake_failed",
        reason: `no ping came within ${PING_TIMEOUT_MS} ms of the hello`,
      });
    });
    return undefined;
  }

  #tellStarted(): void {
    const channel = this.#channel!;
    channel.sendControl(CTRL_TYPE.started, {
      [CHANNEL_KEY.mode]: this.#mode,
      ...this.#ports,
    });
    channel.open(); // after the message: ports that have ended already are told now
    this.#reportStats(channel, new StatsReports(channel));
    this.#native.started();
  }

  #hostLost(known: KnownEnd | undefined): void {
    if (known) {
      this.#apply({ type: "failed", ...known });
    } else if (this.#phase === "awaiting_ping") {
      this.#apply({
        type: "failed",
        code: "handshake_failed",
        reason: "the host closed the channel before it had tested it",
      });
    } else {
      if (this.#phase !== "ended") {
        this.#warn(HOST_LOST);
        this.#report(HOST_LOST);
      }
      this.#apply({ type: "close" });
    }
  }

  #heard(type: string, message: Message): void {
    if (type === CTRL_TYPE.ping) {
      if (this.#phase === "awaiting_ping") {
        this.channel.use(
          chosenFeatures(parseFeatures(message.body), MY_FEATURES),
        );
        this.#ping = message.body;
        const { features, status } = this.channel;
        status.open(this.#native, features, message);
      }
      this.#apply({ type: "ping", valid: hasPayload(message.body, PING) });
    } else if (type === CTRL_TYPE.teardown) {
      this.#apply({ type: "close" });
    } else if (type === CTRL_TYPE.check) {
      const { channel } = this;
      if (channel.features.has("status")) {
        channel.sendControl(CTRL_TYPE.checked);
      }
    } else if (isClientCommand(type)) {
      this.#events.command(type);
    } else if (type === CTRL_TYPE.error) {
      const code = getString(message.body, CHANNEL_KEY.code);
      const reason = getString(message.body, CHANNEL_KEY.reason);
      const isRefused = this.#phase === "awaiting_ping";
      if (this.#phase !== "ended") {
        this.#hostsWord = isRefused ? "refused" : "failed";
      }
      const what = isRefused
        ? "the host refused this client"
        : "the host has failed";
      this.#apply({
        type: "failed",
        code: isErrorCode(code) ? code : "handshake_failed",
        reason: `${what}: ${reason ?? "no reason given"}`,
      });
    } else this.#events.request(type, message);
  }

  /** Releases everything, after the broker has the report of the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopWaiting();
    await Promise.all([this.#reported, this.#toldHost]);
    this.#channel?.[Symbol.dispose]();
    this.#connection?.[Symbol.dispose]();
    this.#endpoint?.[Symbol.dispose]();
    this.#session[Symbol.dispose]();
    this.#native[Symbol.dispose]();
  }
}
