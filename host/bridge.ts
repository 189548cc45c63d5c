/**
 * The host's half of the bridge: it does what the handshake's state machine
 * says, and holds what comes of it. Every kind of host is built on this one.
 *
 * @module
 */

import { isBrokerGone } from "../ffi/broker_link.ts";
import type { OwnedCapability } from "../ffi/capability.ts";
import { Activity } from "../ffi/channel/activity.ts";
import { Channel } from "../ffi/channel/channel.ts";
import { type Connection, Listener } from "../ffi/connection.ts";
import type { Message } from "../ffi/message.ts";
import { Native } from "../ffi/native.ts";
import type { ConnectionSchema } from "../proto/connection_schema.ts";
import { connectionSchemaToJson } from "../proto/connection_schema_json.ts";
import { canonicalJson } from "../proto/canonical_json.ts";
import { BridgeError, describeError } from "../proto/errors.ts";
import {
  type Credentials,
  hasPayload,
  helloProblem,
  HOST_PHASE_TEXT,
  type HostEffect,
  type HostEvent,
  type HostPhase,
  hostStep,
  pingMessage,
} from "../proto/handshake.ts";
import {
  CHANNEL_KEY,
  CTRL_TYPE,
  KEY,
  MESSAGE_TYPE,
  PONG,
} from "../proto/keys.ts";
import { PONG_TIMEOUT_MS } from "../proto/limits.ts";
import type { PortMap } from "../proto/port.ts";
import { SWITCH_OFF, switchStep } from "../proto/remembered_switch.ts";
import { schemaHash } from "../proto/schema_hash.ts";
import { getString, uint64, type XpcDictionary } from "../proto/xpc_value.ts";
import type { BrokerLease } from "./broker_finder.ts";
import { type ClientExit, type ClientProcess, describeExit } from "./spawn.ts";

/** How long one call to the broker may take. */
const CALL_TIMEOUT_MS = 5_000;
/** How long a client that lost its channel may take to be gone, so that its exit can be told. */
const EXIT_GRACE_MS = 500;
/** How long a client that was told to end may take before it is killed. */
const TEARDOWN_MS = 2_000;
/** How long after SIGTERM it may take before SIGKILL. */
const KILL_MS = 1_000;

/** When each step of the handshake was done, in milliseconds since the bridge began. */
export interface HandshakeTimes {
  /** The broker has the connection. */
  allocated: number;
  /** The broker has the endpoint. */
  stored: number;
  /** The client's process was started. */
  spawned: number;
  /** The client has connected and proven itself. */
  hello: number;
  /** The channel was tested both ways, and the broker knows. */
  acked: number;
  /** The client's module has started: frames can flow. */
  started: number;
}

/** When a processor's functions are called. */
export type ProcessorMode = "reactive" | "manual" | "continuous";

/** What a bridge needs. */
export interface HostBridgeOptions<I extends PortMap, O extends PortMap> {
  readonly schema: ConnectionSchema<I, O>;
  readonly runtimeId: string;
  readonly processorId: string;
  /** What kind of processor the module must be. */
  readonly processorType: ProcessorMode;
  /** Seconds until a connection that is not ready has failed. */
  readonly timeoutSecs: number;
  /** Finds the broker. */
  findBroker(native: Native, signal: AbortSignal): Promise<BrokerLease>;
  /** Starts the client with the variables that name its connection. */
  spawn(env: Readonly<Record<string, string>>): ClientProcess;
  /** Called for what the owner should know and nothing else tells. */
  warn(text: string): void;
}

/** The host's half of one connection, from allocation to teardown. */
export class HostBridge<I extends PortMap, O extends PortMap> {
  /** The ports, there from the start; frames go once {@link ready}. */
  readonly channel: Channel<I, O>;
  /** Resolves when frames can flow, rejects with why they never will. */
  readonly ready: Promise<void>;
  /** Resolves when the bridge has ended: with the failure, or `undefined` when it was closed. */
  readonly ended: Promise<BridgeError | undefined>;
  /** The steps that were done. */
  readonly times: Partial<HandshakeTimes> = {};
  /** Changes when a frame comes. */
  readonly activity: Activity = new Activity();
  readonly #options: HostBridgeOptions<I, O>;
  readonly #native: Native;
  readonly #listener: Listener;
  readonly #peers = new Map<number, Connection>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<BridgeError | undefined>();
  readonly #abort = new AbortController();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #began = performance.now();
  #phase: HostPhase = "new";
  #finding: Promise<BrokerLease> | undefined;
  #broker: BrokerLease | undefined;
  #credentials: Credentials = {
    connection_id: "",
    token: "",
    schema_hash: "",
  };
  #endpoint: OwnedCapability | undefined;
  #adopted: Connection | undefined;
  #client: ClientProcess | undefined;
  #nextPeer = 1;
  #running = SWITCH_OFF;
  #paused = SWITCH_OFF;

  /** Begins at once, in the background. Throws what `Native.open` throws. */
  constructor(options: HostBridgeOptions<I, O>) {
    this.#options = options;
    this.ready = this.#ready.promise;
    this.ready.catch(() => {}); // told to whoever awaits it, and by `ended`
    this.ended = this.#ended.promise;
    using held = new DisposableStack();
    this.#native = held.use(Native.open());
    this.#listener = held.use(Listener.anonymous(this.#native));
    this.#listener.activate({
      peer: (connection) => this.#welcome(connection),
      ended: (_, reason) => this.#fail(`the listener ended: ${reason}`),
    });
    const { inputs, outputs } = options.schema;
    this.channel = new Channel<I, O>(this.#native, inputs, outputs, {
      control: (type, message) => this.#control(type, message),
      arrived: () => this.activity.changed(),
      problem: (text) => options.warn(text),
    });
    this.#timer(
      options.timeoutSecs * 1000,
      () => {
        if (this.#phase === "open") return;
        this.#fail(
          `not ready within ${options.timeoutSecs} s: ${
            HOST_PHASE_TEXT[this.#phase]
          }`,
        );
      },
    );
    held.move(); // released at the end from here on
    this.#apply({ type: "begin" });
  }

  /** How far it has come. */
  get phase(): HostPhase {
    return this.#phase;
  }

  /** The connection's id at the broker; "" before it is allocated. */
  get connectionId(): string {
    return this.#credentials.connection_id;
  }

  /** The broker's service name; "" before it is found. */
  get brokerService(): string {
    return this.#broker?.service ?? "";
  }

  /** Whether the broker runs in this process. */
  get brokerEmbedded(): boolean {
    return this.#broker?.embedded ?? false;
  }

  /** The client's process id; 0 before it is started. */
  get clientPid(): number {
    return this.#client?.pid ?? 0;
  }

  /** Tells the client to start or stop, once it can be told. */
  setRunning(on: boolean): void {
    this.#turn(on ? "on" : "off", undefined);
  }

  /** Tells the client to pause or resume, once it can be told. */
  setPaused(on: boolean): void {
    this.#turn(undefined, on ? "on" : "off");
  }

  #turn(
    running: "on" | "off" | "open" | undefined,
    paused: "on" | "off" | "open" | undefined,
  ): void {
    if (paused) {
      const { after, tell } = switchStep(this.#paused, paused);
      this.#paused = after;
      if (tell !== undefined) {
        this.channel.sendControl(tell ? CTRL_TYPE.pause : CTRL_TYPE.resume);
      }
    }
    if (running) {
      const { after, tell } = switchStep(this.#running, running);
      this.#running = after;
      if (tell !== undefined) {
        this.channel.sendControl(tell ? CTRL_TYPE.start : CTRL_TYPE.stop);
      }
    }
  }

  /** Ends it in order: the client is told, and given time to end. */
  async close(): Promise<void> {
    this.#apply({ type: "close" });
    await this.ended;
  }

  // ---- the machine ----

  #apply(event: HostEvent): void {
    const { phase, effects } = hostStep(this.#phase, event);
    this.#phase = phase;
    for (const effect of effects) this.#do(effect);
  }

  #fail(reason: string): void {
    this.#apply({ type: "failed", reason });
  }

  /** Runs one asynchronous step; what it throws fails the bridge. */
  #run(step: () => Promise<HostEvent | undefined>): void {
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

  #do(effect: HostEffect): void {
    switch (effect.type) {
      case "allocate":
        return this.#run(() => this.#allocate());
      case "store_endpoint":
        return this.#run(() => this.#storeEndpoint());
      case "spawn":
        return this.#run(() => this.#spawn());
      case "adopt":
        return this.#adopt(effect.peer);
      case "refuse":
        return this.#refuse(effect.peer, effect.reason);
      case "ping":
        return this.#ping();
      case "report_acked":
        return this.#run(() => this.#reportAcked());
      case "open_gate":
        return this.#openGate();
      case "fail":
        return this.#end(effect.reason);
      case "close":
        return this.#end(undefined);
    }
  }

  #timer(ms: number, callback: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      callback();
    }, ms);
    this.#timers.add(timer);
  }

  #done(step: keyof HandshakeTimes): void {
    this.times[step] = performance.now() - this.#began;
  }

  // ---- with the broker ----

  async #call(
    type: Parameters<BrokerLease["link"]["call"]>[0],
    fields: XpcDictionary,
  ): Promise<Message> {
    return await this.#broker!.link.call(type, fields, {
      timeoutMs: CALL_TIMEOUT_MS,
      signal: this.#abort.signal,
    });
  }

  async #allocate(): Promise<HostEvent | undefined> {
    this.#finding = this.#options.findBroker(this.#native, this.#abort.signal);
    const broker = await this.#finding;
    if (this.#phase === "ended") return undefined; // released with the rest
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
    this.#done("allocated");
    return { type: "allocated" };
  }

  async #storeEndpoint(): Promise<HostEvent> {
    this.#endpoint = this.#listener.endpoint();
    using endpoint = this.#endpoint;
    using _ = await this.#call(MESSAGE_TYPE.storeEndpoint, {
      [KEY.connectionId]: this.connectionId,
      [KEY.endpoint]: endpoint.borrow(),
    });
    this.#done("stored");
    return { type: "stored" };
  }

  /** The channel works, whatever the broker says to that: one that is gone ends nothing. */
  async #reportAcked(): Promise<undefined> {
    try {
      using _ = await this.#call(MESSAGE_TYPE.acked, {
        [KEY.connectionId]: this.connectionId,
        [KEY.side]: "host",
      });
    } catch (error) {
      if (!isBrokerGone(error)) throw error;
    }
    this.#done("acked");
  }

  // ---- with the client ----

  #spawn(): Promise<undefined> {
    const { connection_id, token } = this.#credentials;
    const client = this.#options.spawn({
      STREAMLIB_CONNECTION_ID: connection_id,
      STREAMLIB_CONNECTION_TOKEN: token,
      STREAMLIB_BROKER_XPC_SERVICE: this.brokerService,
    });
    this.#client = client;
    this.#done("spawned");
    client.exit.then((exit) => this.#clientExited(exit));
    return Promise.resolve(undefined);
  }

  #clientExited(exit: ClientExit): void {
    const how = describeExit(exit);
    this.#fail(
      this.#phase === "open"
        ? how
        : `${how.replace("\n", ` (${HOST_PHASE_TEXT[this.#phase]})\n`)}`,
    );
  }

  #welcome(connection: Connection): void {
    const id = this.#nextPeer++;
    this.#peers.set(id, connection);
    connection.activate({
      message: (message) => {
        if (connection === this.#adopted) this.channel.receive(message);
        else this.#firstMessage(id, message);
      },
      ended: () => {
        if (connection === this.#adopted) this.#channelLost();
        else this.#forgetPeer(id);
      },
    });
  }

  #firstMessage(peer: number, message: Message): void {
    using _ = message;
    const problem = helloProblem(
      message.body,
      this.#credentials,
      (given, expected) => constantTimeEqual(given, expected),
    );
    if (message.wantsReply) message.reply({ [KEY.success]: !problem });
    this.#apply({ type: "hello", peer, problem });
  }

  #forgetPeer(peer: number): void {
    this.#peers.get(peer)?.[Symbol.dispose]();
    this.#peers.delete(peer);
  }

  #refuse(peer: number, reason: string): void {
    this.#options.warn(`a peer was refused: ${reason}`);
    const connection = this.#peers.get(peer);
    connection?.send({
      [CHANNEL_KEY.msgType]: "control",
      [CHANNEL_KEY.ctrlType]: CTRL_TYPE.error,
      [CHANNEL_KEY.reason]: reason,
    });
    this.#forgetPeer(peer);
  }

  #adopt(peer: number): void {
    const connection = this.#peers.get(peer)!;
    this.#peers.delete(peer);
    this.#adopted = connection;
    this.channel.attach(connection);
    this.#done("hello");
  }

  #ping(): void {
    this.#adopted!.send(pingMessage());
    this.#timer(PONG_TIMEOUT_MS, () => this.#apply({ type: "pong_overdue" }));
  }

  #control(type: string, message: Message): void {
    if (type === CTRL_TYPE.pong) {
      this.#apply({ type: "pong", valid: hasPayload(message.body, PONG) });
    } else if (type === CTRL_TYPE.started) {
      const mode = getString(message.body, CHANNEL_KEY.mode);
      const { processorType } = this.#options;
      if (mode !== undefined && mode !== processorType) {
        this.#fail(
          `the module is a ${mode} processor, this host is ${processorType}`,
        );
      } else {
        this.#apply({ type: "started" });
      }
    } else if (type === CTRL_TYPE.error) {
      const text = getString(message.body, CHANNEL_KEY.error) ?? "no words";
      const stack = getString(message.body, CHANNEL_KEY.stack);
      this.#fail(`the client failed: ${text}${stack ? `\n${stack}` : ""}`);
    }
  }

  #openGate(): void {
    this.#done("started");
    this.channel.open();
    this.#turn("open", "open");
    this.#ready.resolve();
  }

  /** The channel is gone: the client's exit says why, if it comes soon. */
  #channelLost(): void {
    const phase = this.#phase;
    this.#timer(
      EXIT_GRACE_MS,
      () => this.#fail(`the client's channel ended; ${HOST_PHASE_TEXT[phase]}`),
    );
  }

  // ---- the end ----

  #end(reason: string | undefined): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    const failure = reason === undefined
      ? undefined
      : new BridgeError("connection_failed", reason);
    this.#ready.reject(
      failure ?? new BridgeError("closed", "The host was closed"),
    );
    this.channel.end(failure);
    if (!failure) this.channel.sendControl(CTRL_TYPE.teardown);
    this.#release(failure).then(
      () => this.#ended.resolve(failure),
      (cause) =>
        this.#ended.resolve(
          new BridgeError(
            "native_failure",
            `Cannot release the host: ${describeError(cause)}`,
            { cause },
          ),
        ),
    );
  }

  async #release(failure: BridgeError | undefined): Promise<void> {
    await Promise.all([
      this.#endClient(failure === undefined),
      this.#tellBroker(failure),
    ]);
    this.#abort.abort();
    for (const peer of [...this.#peers.keys()]) this.#forgetPeer(peer);
    this.#adopted?.[Symbol.dispose]();
    this.#endpoint?.[Symbol.dispose]();
    this.#listener[Symbol.dispose]();
    const found = await this.#finding?.catch(() => undefined); // told as the failure
    await found?.[Symbol.asyncDispose]();
    this.#native[Symbol.dispose]();
  }

  async #tellBroker(failure: BridgeError | undefined): Promise<void> {
    if (!this.#broker || !this.connectionId) return;
    const message = failure
      ? this.#call(MESSAGE_TYPE.reportFailure, {
        [KEY.connectionId]: this.connectionId,
        [KEY.side]: "host",
        [KEY.reason]: failure.message,
      })
      : this.#call(MESSAGE_TYPE.close, {
        [KEY.connectionId]: this.connectionId,
        [KEY.reason]: "the host closed it",
      });
    try {
      using _ = await message;
    } catch (error) {
      // The broker may be gone, or have ended the connection itself: it is over either way.
      if (!(error instanceof BridgeError)) throw error;
    }
  }

  async #endClient(orderly: boolean): Promise<void> {
    const client = this.#client;
    if (!client) return;
    const gone = client.exit.then(() => true);
    const within = async (ms: number): Promise<boolean> => {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const timer = setTimeout(() => resolve(false), ms);
      const result = await Promise.race([gone, promise]);
      clearTimeout(timer);
      return result;
    };
    if (orderly && this.#adopted && await within(TEARDOWN_MS)) return;
    client.kill("SIGTERM");
    if (await within(KILL_MS)) return;
    client.kill("SIGKILL");
    await gone;
  }
}

/** Whether two strings are equal, in a time that does not tell where they differ. */
function constantTimeEqual(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) {
    difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  }
  return difference === 0;
}
