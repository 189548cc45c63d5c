/**
 * The host's half of the bridge, for one connection: performs the effects of the
 * handshake's state machine, from the allocation to the end. The supervisor
 * keeps what outlives a connection.
 *
 * @module
 */

import type { Channel } from "../channel/channel.ts";
import { StatsReports } from "../channel/stats_report.ts";
import type { Timer } from "../ffi/clock.ts";
import type { Message } from "../ffi/message.ts";
import type { KnownEnd } from "../ffi/end_reason.ts";
import type { Native } from "../ffi/native.ts";
import type { GetConnectionInfoResponse } from "../proto/broker_gen.ts";
import type { BridgeError, ErrorCode } from "../proto/errors.ts";
import {
  type HostEffect,
  type HostEvent,
  type HostPhase,
  hostStep,
} from "../proto/states/handshake.ts";
import {
  failureMessage,
  hasPayload,
  pingMessage,
  teardownMessage,
} from "../proto/states/handshake_messages.ts";
import { channelFeatures, type TransportPath } from "../channel/transport.ts";
import { chosenFeatures } from "../proto/wire/features.ts";
import { CTRL_TYPE, PONG } from "../proto/wire/keys.ts";
import {
  LAST_WORD_TIMEOUT_MS,
  PONG_TIMEOUT_MS,
  STATS_INTERVAL_MS,
} from "../proto/limits.ts";
import type { PortMap } from "../proto/schema/port.ts";
import type { ProcessorMode } from "../proto/schema/processor_types.ts";
import type { RequestOf } from "../proto/wire/control.ts";
import type { XpcDictionary } from "../proto/wire/xpc_value.ts";
import {
  channelFailure,
  endFailure,
  exitFailure,
  type FailureFacts,
  hangFailure,
  hungFailure,
  lateFailure,
  reportedFailure,
  stepFailure,
} from "./client_failure.ts";
import { ClientStatus } from "./client_status.ts";
import { HostFailure } from "./host_failure.ts";
import { HangWatch } from "./hang_watch.ts";
import type { HandshakeTimes } from "./handshake_times.ts";
import { agreeWithModule, portsInPing } from "./agreement.ts";
import { HostSession, type SessionOptions } from "./host_session.ts";
import type { ClientRequests } from "./client_requests.ts";
import { Door } from "./door.ts";
import { Refusals } from "./refusals.ts";
import {
  type ClientExit,
  type ClientProcess,
  endClient,
  type StartClient,
} from "./spawn/spawn.ts";

/** The time to wait for the client's exit after its channel has ended, so that the failure can name the exit status. */
const EXIT_GRACE_MS = 500;
/** The time to wait for the end of the channel after the client's exit: what it sent before is read first. */
const DRAIN_MS = 1_000;
/** The time that a client gets to end by itself, before it is killed. */
const TEARDOWN_MS = 2_000;

/** The options of a bridge. They are the same for each connection of a host. */
export interface HostBridgeOptions extends SessionOptions {
  /** The mode that the module's processor must have. */
  readonly processorType: ProcessorMode;
  /** The client's name in what it writes to stderr. */
  readonly name: string;
  /** What carries frames, if the client can. */
  readonly path: TransportPath;
  /** Whether both sides always sleep while they wait for records. */
  readonly sleeps: boolean;
  /** Seconds after which a client hangs. Without it, none is watched. */
  readonly hangTimeoutSecs?: number | undefined;
  /** Starts the client's process. */
  readonly spawn: StartClient;
  /** Called with warnings for the owner. */
  warn(text: string): void;
}

/** The callbacks of a bridge. */
export interface HostBridgeEvents {
  /** Asks the client. */
  readonly requests: ClientRequests;
  /** Returns what is reported to the broker beside the channel's counters. */
  reported(): RequestOf<"ReportStats">;
  /** Called when frames can flow, before the first one can be sent. */
  opened(): void;
  /** Called when the client has read all inputs, which have ended, has flushed, and has ended its outputs. */
  flushed(): void;
  /** Called when no more frames can flow: with the failure, or with `undefined` after a close. */
  over(failure: HostFailure | undefined): void;
}

/** One connection of a host to a client, from allocation to teardown. */
export class HostBridge {
  /** Resolves when the connection has ended, everything is released, and the client's process is gone. Rejects if the release fails. */
  readonly released: Promise<void>;
  /** The times of the steps that were done. */
  readonly times: Partial<HandshakeTimes> = {};
  readonly #options: HostBridgeOptions;
  readonly #events: HostBridgeEvents;
  readonly #native: Native;
  readonly #channel: Channel<PortMap, PortMap>;
  readonly #door: Door;
  readonly #session: HostSession;
  readonly #released = Promise.withResolvers<void>();
  readonly #timers = new Set<Timer>();
  readonly #began: number;
  readonly #arrived = new AbortController();
  #phase: HostPhase = "new";
  #client: ClientProcess | undefined;
  /** Resolves when what the client needs is there; undefined if nothing has to be made. */
  #prepared: Promise<void> | undefined;
  #exit: ClientExit | undefined;
  /** Why the client is being ended, if it hangs. */
  #hung: FailureFacts | undefined;
  readonly #refusals: Refusals;
  readonly #status: ClientStatus;
  #hangs: HangWatch | undefined;
  /** Whether another client follows after a close. */
  #isFollowed = false;
  /** Whether the client has reported its failure: it ends by itself. */
  #isReported = false;

  /**
   * Begins at once, in the background.
   *
   * @param native a lease; the bridge takes ownership
   * @param channel the ports; detached when the connection ends
   */
  constructor(
    native: Native,
    channel: Channel<PortMap, PortMap>,
    options: HostBridgeOptions,
    events: HostBridgeEvents,
  ) {
    using held = new DisposableStack();
    this.#native = held.use(native);
    this.#channel = channel;
    this.#options = options;
    this.#refusals = new Refusals((text) => options.warn(text));
    this.#events = events;
    this.#status = new ClientStatus(channel, events.requests);
    this.#began = native.clock.now();
    this.released = this.#released.promise;
    this.#session = new HostSession(
      native,
      options,
      () => this.#apply({ type: "broker_lost" }),
    );
    this.#door = held.use(
      new Door(native, {
        credentials: () => this.#session.credentials,
        hello: (peer, problem) => this.#apply({ type: "hello", peer, problem }),
        message: (message) => channel.receive(message),
        malformed: () => channel.malformed(),
        left: (known) => this.#channelLost(known),
        closed: (reason) =>
          this.#fail({
            code: "native_failure",
            reason: `the listener ended: ${reason}`,
          }),
      }),
    );
    this.#timer(options.timeoutSecs * 1000, () => this.#overdue());
    held.move(); // from here on #release releases it
    this.#apply({ type: "begin" });
  }

  /** The phase of the handshake. */
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
    return this.#session.broker?.bootstrap !== undefined;
  }

  /** The client's process id; 0 before it is started. */
  get clientPid(): number {
    return this.#client?.pid ?? 0;
  }

  /** Returns the broker's record of the connection; `undefined` before it is allocated. */
  connectionInfo(): Promise<GetConnectionInfoResponse | undefined> {
    return this.#session.info();
  }

  /**
   * Closes the connection: tells the client to end, and gives it time to do so.
   *
   * @param isFollowed whether another client follows: what this one has not done
   * counts as lost, or is sent to that one
   */
  close(isFollowed = false): void {
    this.#isFollowed = isFollowed;
    this.#apply({ type: "close" });
  }

  // ---- the machine ----

  #apply(event: HostEvent): void {
    const { phase, effects } = hostStep(this.#phase, event);
    this.#phase = phase;
    for (const effect of effects) this.#do(effect);
  }

  #fail(failure: FailureFacts): void {
    this.#apply({ type: "failed", ...failure });
  }

  /** Runs one asynchronous step. An error fails the bridge. */
  #run(step: () => Promise<HostEvent | undefined>): void {
    Promise.try(step).then(
      (event) => event && this.#apply(event),
      (error) => this.#fail(stepFailure(error)),
    );
  }

  #do(effect: HostEffect): void {
    switch (effect.type) {
      case "allocate":
        return this.#run(async () => {
          await this.#session.allocate();
          this.#done("allocated");
          return { type: "allocated" };
        });
      case "store_endpoint":
        return this.#run(async () => {
          await this.#store();
          this.#done("stored");
          return { type: "stored" };
        });
      case "store_again":
        return this.#run(async () => {
          await this.#store();
          return undefined;
        });
      case "spawn":
        return this.#run(() => this.#spawn());
      case "adopt":
        this.#arrived.abort();
        this.#refusals.last = undefined;
        this.#adopt(effect.peer);
        return this.#done("hello");
      case "refuse":
        this.#refusals.note(effect);
        return this.#door.refuse(effect.peer, effect.code, effect.reason);
      case "ping":
        this.#ping();
        this.#timer(
          PONG_TIMEOUT_MS,
          () => this.#apply({ type: "pong_overdue" }),
        );
        return;
      case "report_acked":
        return this.#run(async () => {
          const refusal = await this.#session.reportAcked();
          if (refusal === undefined) this.#done("acked");
          else if (this.#phase !== "ended") {
            this.#options.warn(`the broker refused the ack: ${refusal}`);
          }
          return undefined;
        });
      case "open_gate":
        return this.#openGate();
      case "fail":
        return this.#end(effect);
      case "close":
        return this.#end(undefined);
    }
  }

  /** Stores the endpoint at the broker. Stops when the client has connected: then the broker does not need the endpoint. */
  async #store(): Promise<void> {
    using endpoint = this.#door.endpoint();
    await this.#session.storeEndpoint(endpoint, this.#arrived.signal);
  }

  #timer(ms: number, callback: () => void): void {
    const timer = this.#native.clock.after(ms, () => {
      this.#timers.delete(timer);
      callback();
    });
    this.#timers.add(timer);
  }

  #done(step: keyof HandshakeTimes): void {
    this.times[step] = this.#native.clock.now() - this.#began;
  }

  #overdue(): void {
    if (this.#phase === "open") return;
    this.#fail(lateFailure({
      timeoutSecs: this.#options.timeoutSecs,
      phase: this.#phase,
      trouble: this.#session.trouble,
      refused: this.#refusals.last,
      stderrTail: this.#client?.stderrTail ?? "",
    }));
  }

  // ---- with the client ----

  async #spawn(): Promise<undefined> {
    const { prepare } = this.#options.spawn;
    if (prepare !== undefined) {
      this.#prepared = prepare(this.#arrived.signal);
      await this.#prepared;
    }
    if (this.#phase !== "ended") this.#start();
  }

  #start(): void {
    const { connection_id, token } = this.#session.credentials;
    const { broker } = this.#session;
    const client = this.#options.spawn({
      STREAMLIB_CONNECTION_ID: connection_id,
      STREAMLIB_CONNECTION_TOKEN: token,
      STREAMLIB_BROKER_XPC_SERVICE: this.brokerService,
      ...(broker?.grpcAddress &&
        { STREAMLIB_BROKER_ENDPOINT: broker.grpcAddress }),
    }, broker?.bootstrap);
    this.#client = client;
    this.#done("spawned");
    client.exit.then((exit) => this.#clientExited(exit));
  }

  /** The client's process has ended. What it sent before, such as the error of its processor, is read first. */
  #clientExited(exit: ClientExit): void {
    this.#exit = exit;
    if (this.#phase === "ended") return;
    if (this.#door.isListening) this.#timer(DRAIN_MS, () => this.#failByExit());
    else this.#failByExit();
  }

  #failByExit(): void {
    if (!this.#exit || this.#phase === "ended") return;
    const { name } = this.#options;
    const { text } = this.#status;
    const { last } = this.#refusals;
    this.#fail(
      this.#hung ? hungFailure(this.#hung, this.#exit.stderrTail) : exitFailure(
        this.#exit,
        name,
        this.#phase,
        text,
        last,
        this.#explain,
      ),
    );
  }

  /** What is to be said with an error of the client. */
  readonly #explain = (text: string): string =>
    this.#client?.explain?.(text) ?? "";

  #adopt(peer: number): void {
    const { connection, features } = this.#door.letIn(peer);
    this.#channel.attach(connection);
    this.#events.requests.connected();
    const mine = channelFeatures(this.#options.path);
    this.#channel.use(chosenFeatures(features, mine));
  }

  #ping(): void {
    const { features } = this.#channel;
    const ports = portsInPing(this.#options.schema, features);
    this.#channel.offerLane(
      this.#options.sleeps,
      (lane) => {
        const status = this.#channel.status.offer(this.#native, features);
        this.#door.tell(
          pingMessage(features, { ...ports, ...lane, ...status }),
        );
      },
    );
  }

  /** The client has misused the lane. */
  misused({ code, message }: BridgeError): void {
    this.#fail({ code, reason: message });
  }

  /** Handles a control message of the client, other than those about surfaces. */
  control(type: string, message: Message): void {
    if (type === CTRL_TYPE.pong) {
      if (this.#phase === "awaiting_pong") {
        this.#channel.acceptLane(message.body);
      }
      this.#apply({ type: "pong", valid: hasPayload(message.body, PONG) });
    } else if (type === CTRL_TYPE.started) {
      this.#started(message.body);
    } else if (type === CTRL_TYPE.declared) {
      this.#declared(message.body);
    } else if (type === CTRL_TYPE.answer) {
      this.#events.requests.answered(message.body);
    } else if (type === CTRL_TYPE.flushed) {
      if (this.#phase === "open") this.#events.flushed();
    } else if (type === CTRL_TYPE.error) {
      this.#isReported = true;
      this.#fail(
        reportedFailure(
          message.body,
          this.#phase,
          this.#status.text,
          this.#explain,
        ),
      );
    }
  }

  #declared(body: XpcDictionary): void {
    if (this.#phase !== "awaiting_started") return;
    if (!this.#channel.features.has("requests")) return;
    const problem = this.#events.requests.declared(body);
    if (problem) this.#fail(stepFailure(problem));
  }

  #started(body: XpcDictionary): void {
    const { schema, processorType } = this.#options;
    const problem = this.#phase === "awaiting_started"
      ? agreeWithModule(this.#channel, schema, processorType, body) ??
        this.#events.requests.started()
      : undefined;
    if (problem) {
      this.#fail({ code: problem.code, reason: problem.message });
    } else this.#apply({ type: "started" });
  }

  #openGate(): void {
    this.#done("started");
    this.#reportStats(
      new StatsReports(this.#channel, () => this.#events.reported()),
    );
    this.#watch(this.#options.hangTimeoutSecs);
    this.#events.opened();
    this.#channel.open(); // tells of the inputs that have ended, after what `opened` has sent
  }

  /** Ends a client that hangs, if it can answer. */
  #watch(limitSecs: number | undefined): void {
    const channel = this.#channel;
    if (limitSecs === undefined || !channel.features.has("status")) return;
    const { symbols, clock } = this.#native;
    const status = this.#status;
    this.#hangs = new HangWatch({
      clock,
      isBusy: () => status.isBusy,
      heard: () => channel.heard,
      isStopped: () => symbols.slb_process_is_stopped(this.clientPid) === 1,
      ask: () => channel.sendControl(CTRL_TYPE.check),
      hangs: () => this.#endHung(hangFailure(limitSecs, status)),
    }, limitSecs * 1000);
  }

  /** Ends a client that hangs. Its exit is the failure, with the place where it hung if it has written that. */
  #endHung(failure: FailureFacts): void {
    this.#hung = failure;
    this.#run(async () => {
      await this.#endClient(failure.code);
      return undefined;
    });
  }

  /** Reports the counters once a second, while frames can flow. An idle channel has no timer. */
  #reportStats(reports: StatsReports): void {
    this.#timer(STATS_INTERVAL_MS, () => {
      if (this.#phase !== "open") return;
      const report = reports.next;
      if (!report) {
        this.#channel.whenStirred(() => this.#reportStats(reports));
        return;
      }
      this.#run(async () => {
        await reports.send(report, (each) => this.#session.reportStats(each));
        if (this.#phase === "open") this.#reportStats(reports);
        return undefined;
      });
    });
  }

  /** The channel has ended. If it is not known why, and the client exits soon, its exit is the reason. */
  #channelLost(known: KnownEnd | undefined): void {
    const phase = this.#phase;
    if (phase === "ended") return; // the host ended it
    if (this.#hung) return; // its process ends too
    if (known) this.#fail(channelFailure(known, phase));
    else if (this.#exit) this.#failByExit();
    else this.#timer(EXIT_GRACE_MS, () => this.#fail(endFailure(phase)));
  }

  // ---- the end ----

  #end(facts: FailureFacts | undefined): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#hangs?.stop();
    this.#refusals.end();
    this.#arrived.abort();
    const { lastRead } = this.#status;
    const gone = this.#endClient(facts?.code);
    const isClosed = !facts && !this.#isFollowed;
    this.#channel.detach(isClosed ? "closed" : "died", gone);
    const failure = facts && new HostFailure(facts.code, facts.reason, {
      ...(facts.cause && { cause: facts.cause }),
      frames: this.#channel.unreleased(lastRead),
    });
    // The client of a host that fails is told why, unless it has said so itself.
    if (!failure) this.#door.tell(teardownMessage());
    else if (!this.#isReported) this.#door.tell(failureMessage(failure));
    this.#release(failure, gone).then(
      () => this.#released.resolve(),
      (error) => this.#released.reject(error),
    );
    this.#events.over(failure);
  }

  /** How long the client may take to end by itself: to tear its processor down, or only to say why it ends. */
  #graceMs(code: ErrorCode | undefined): number {
    if (this.times.hello === undefined) return 0;
    if (code === "client_hung") return 0; // it does not read what it is told
    return code && !this.#isReported ? LAST_WORD_TIMEOUT_MS : TEARDOWN_MS;
  }

  /** Resolves when the client's process is gone: until then it can read what it was sent. */
  async #endClient(code: ErrorCode | undefined): Promise<void> {
    if (this.#prepared) await this.#prepared.catch(() => {}); // it has failed the bridge, or was aborted
    if (!this.#client) return;
    await endClient(this.#native.clock, this.#client, this.#graceMs(code));
  }

  async #release(
    failure: BridgeError | undefined,
    gone: Promise<void>,
  ): Promise<void> {
    await Promise.all([gone, this.#session.reportEnd(failure)]);
    this.#door[Symbol.dispose]();
    await this.#session[Symbol.asyncDispose]();
    this.#native[Symbol.dispose]();
  }
}
