/**
 * The host's half of the bridge: it does what the handshake's state machine
 * says, and holds what comes of it. Every kind of host is built on this one.
 *
 * @module
 */

import { Activity } from "../ffi/channel/activity.ts";
import { Channel } from "../ffi/channel/channel.ts";
import type { Message } from "../ffi/message.ts";
import { Native } from "../ffi/native.ts";
import type { ConnectionSchema } from "../proto/connection_schema.ts";
import { BridgeError, describeError } from "../proto/errors.ts";
import {
  hasPayload,
  HOST_PHASE_TEXT,
  type HostEffect,
  type HostEvent,
  type HostPhase,
  hostStep,
  pingMessage,
} from "../proto/handshake.ts";
import { CHANNEL_KEY, CTRL_TYPE, PONG } from "../proto/keys.ts";
import { PONG_TIMEOUT_MS } from "../proto/limits.ts";
import type { PortMap } from "../proto/port.ts";
import { SWITCH_OFF, switchStep } from "../proto/remembered_switch.ts";
import { getString } from "../proto/xpc_value.ts";
import { BrokerSession, type SessionOptions } from "./broker_session.ts";
import { Door } from "./door.ts";
import {
  type ClientExit,
  type ClientProcess,
  describeExit,
  endClient,
} from "./spawn.ts";

/** How long a client that lost its channel may take to be gone, so that its exit can be told. */
const EXIT_GRACE_MS = 500;
/** How long a client that was told to end may take before it is killed. */
const TEARDOWN_MS = 2_000;

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
export interface HostBridgeOptions<I extends PortMap, O extends PortMap>
  extends SessionOptions {
  readonly schema: ConnectionSchema<I, O>;
  /** What kind of processor the module must be. */
  readonly processorType: ProcessorMode;
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
  readonly #door: Door;
  readonly #session: BrokerSession;
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<BridgeError | undefined>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #began = performance.now();
  #phase: HostPhase = "new";
  #client: ClientProcess | undefined;
  #running = SWITCH_OFF;
  #paused = SWITCH_OFF;

  /** Begins at once, in the background. Throws what `Native.open` throws. */
  constructor(options: HostBridgeOptions<I, O>) {
    this.#options = options;
    this.ready = this.#ready.promise;
    this.ready.catch(() => {}); // told to whoever awaits it, and by `ended`
    this.ended = this.#ended.promise;
    this.#session = new BrokerSession(options);
    using held = new DisposableStack();
    this.#native = held.use(Native.open());
    this.#door = held.use(
      new Door(this.#native, {
        credentials: () => this.#session.credentials,
        hello: (peer, problem) => this.#apply({ type: "hello", peer, problem }),
        message: (message) => this.channel.receive(message),
        left: () => this.#channelLost(),
        closed: (reason) => this.#fail(`the listener ended: ${reason}`),
      }),
    );
    const { inputs, outputs } = options.schema;
    this.channel = new Channel<I, O>(this.#native, inputs, outputs, {
      control: (type, message) => this.#control(type, message),
      arrived: () => this.activity.changed(),
      problem: (text) => options.warn(text),
    });
    this.#timer(options.timeoutSecs * 1000, () => this.#overdue());
    held.move(); // released at the end from here on
    this.#apply({ type: "begin" });
  }

  /** How far it has come. */
  get phase(): HostPhase {
    return this.#phase;
  }

  /** The connection's id at the broker; "" before it is allocated. */
  get connectionId(): string {
    return this.#session.credentials.connection_id;
  }

  /** The broker's service name; "" before it is found. */
  get brokerService(): string {
    return this.#session.broker?.service ?? "";
  }

  /** Whether the broker runs in this process. */
  get brokerEmbedded(): boolean {
    return this.#session.broker?.embedded ?? false;
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
        return this.#run(async () => {
          await this.#session.allocate(this.#native);
          this.#done("allocated");
          return { type: "allocated" };
        });
      case "store_endpoint":
        return this.#run(async () => {
          using endpoint = this.#door.endpoint();
          await this.#session.storeEndpoint(endpoint);
          this.#done("stored");
          return { type: "stored" };
        });
      case "spawn":
        return this.#run(() => this.#spawn());
      case "adopt":
        this.channel.attach(this.#door.letIn(effect.peer));
        return this.#done("hello");
      case "refuse":
        this.#options.warn(`a peer was refused: ${effect.reason}`);
        return this.#door.refuse(effect.peer, effect.reason);
      case "ping":
        this.#door.tell(pingMessage());
        return this.#timer(
          PONG_TIMEOUT_MS,
          () => this.#apply({ type: "pong_overdue" }),
        );
      case "report_acked":
        return this.#run(async () => {
          await this.#session.reportAcked();
          this.#done("acked");
          return undefined;
        });
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

  #overdue(): void {
    if (this.#phase === "open") return;
    this.#fail(
      `not ready within ${this.#options.timeoutSecs} s: ${
        HOST_PHASE_TEXT[this.#phase]
      }`,
    );
  }

  // ---- with the client ----

  #spawn(): Promise<undefined> {
    const { connection_id, token } = this.#session.credentials;
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
    const howFar = this.#phase === "open" ? "" : HOST_PHASE_TEXT[this.#phase];
    this.#fail(describeExit(exit, howFar));
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
    const orderly = failure === undefined && this.times.hello !== undefined;
    await Promise.all([
      this.#client && endClient(this.#client, orderly ? TEARDOWN_MS : 0),
      this.#session.reportEnd(failure),
    ]);
    this.#door[Symbol.dispose]();
    await this.#session[Symbol.asyncDispose]();
    this.#native[Symbol.dispose]();
  }
}
