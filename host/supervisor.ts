/**
 * Keeps what outlives a connection: the ports, the owner's start and pause
 * requests, and the restarts after a failure. Every kind of host is built on it.
 *
 * @module
 */

import { Activity } from "../channel/activity.ts";
import { Channel } from "../channel/channel.ts";
import type { UnreleasedFrame } from "../channel/ports/sent_copies.ts";
import type { Timer } from "../ffi/clock.ts";
import type { Native } from "../ffi/native.ts";
import type { ConnectionSchema } from "../proto/schema/connection_schema.ts";
import { BridgeError, describeError } from "../proto/errors.ts";
import { CTRL_TYPE } from "../proto/wire/keys.ts";
import type { PortMap } from "../proto/schema/port.ts";
import {
  SWITCH_OFF,
  type SwitchEvent,
  switchStep,
} from "../proto/states/remembered_switch.ts";
import type { GivenSettings } from "../proto/wire/settings_codec.ts";
import { ClientRequests } from "./client_requests.ts";
import { drained, isDrained } from "./drain.ts";
import { HostBridge, type HostBridgeOptions } from "./bridge.ts";
import type { HandshakeTimes } from "./handshake_times.ts";
import { settingsText } from "./settings_text.ts";
import { HostFailure } from "./host_failure.ts";
import {
  decideRestart,
  type ResendPolicy,
  type RestartPolicy,
} from "./restart.ts";
import type { WatchEvents } from "./watch/file_watch.ts";

/** A restart that is about to happen. */
export interface Restart {
  /** Why the host restarts its client, for instance the client's exit status and the end of its stderr. */
  readonly failure: HostFailure;
  /** Consecutive restarts, counted from 1. */
  readonly inARow: number;
  /** Milliseconds until the next client is started. */
  readonly pauseMs: number;
}

/** The options of a supervisor. */
export interface SupervisorOptions<I extends PortMap, O extends PortMap>
  extends HostBridgeOptions {
  readonly schema: ConnectionSchema<I, O>;
  /** The values of settings from the start. */
  readonly settings: GivenSettings;
  /** Whether a failure leads to a restart. */
  readonly restart: RestartPolicy;
  /** Whether copies of the frames that a client has are kept. */
  readonly keepsFrames?: boolean;
  /** Which of the frames that a client had the next one is sent again. Default: none. */
  readonly resend?: ResendPolicy;
  /** Writes down which frame a client worked on when it failed. Never rejects. */
  readonly report?: ((failure: HostFailure) => Promise<void>) | undefined;
  /** Watches the files of the client's module; undefined if they are not watched. */
  readonly watch?: ((events: WatchEvents) => AsyncDisposable) | undefined;
  /** Called before each restart. */
  restarting(restart: Restart): void;
}

/** Runs one client at a time, over one connection at a time. */
export class Supervisor<I extends PortMap, O extends PortMap> {
  /** The ports. They exist from the launch to the end; frames flow while a client runs. */
  readonly channel: Channel<I, O>;
  /** Asks the clients. */
  readonly requests: ClientRequests;
  /** Resolves when frames can flow for the first time. Rejects with the failure if the host ends before that. */
  readonly ready: Promise<void>;
  /** Resolves when the host has ended and everything is released: with the failure, or with `undefined` after a close. */
  readonly ended: Promise<HostFailure | undefined>;
  /** Aborts when the host begins to end: no more frames can be sent. */
  readonly over: AbortSignal;
  /** Changes when a frame arrives or a port ends, when frames can flow, when the client has flushed, and when the host begins to end. */
  readonly activity: Activity = new Activity();
  readonly #options: SupervisorOptions<I, O>;
  readonly #native: Native;
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<HostFailure | undefined>();
  #bridge: HostBridge;
  #openedAt: number | undefined;
  #restarts = 0;
  /** The clients that were ended because they hung. */
  #hangs = 0;
  #inARow = 0;
  #pause: Timer | undefined;
  /** Whether one connection has ended and the next has not begun. */
  #between = false;
  /** Whether the connection is closed because files have changed. */
  #reloads = false;
  /** What makes the next connection; undefined if nothing does yet. */
  #beginning: Promise<void> | undefined;
  /** Whether the host waits for a change of files, since its client has failed. */
  #awaitsChange = false;
  #watch: AsyncDisposable | undefined;
  /** The frame that the last client had read last when it failed. */
  #lastRead: UnreleasedFrame | undefined;
  readonly #over = new AbortController();
  #running = SWITCH_OFF;
  #paused = SWITCH_OFF;
  #hasFlushed = false;
  #wasDrained = false;
  /** Whether the results stay readable after a close: the host was drained, so every one is wanted. */
  #keepsResults = false;
  #lastFailure: HostFailure | undefined;
  /** Resolves when it was written down; undefined if it is not. */
  #reported: Promise<void> | undefined;
  #failure: HostFailure | undefined;

  /** Begins at once, in the background. Takes ownership of the lease `native`. */
  constructor(native: Native, options: SupervisorOptions<I, O>) {
    this.#options = options;
    this.over = this.#over.signal;
    this.ready = this.#ready.promise;
    this.ready.catch(() => {}); // reported by `ended` too
    this.ended = this.#ended.promise;
    using held = new DisposableStack();
    this.#native = held.use(native);
    const { inputs, outputs } = options.schema;
    this.channel = new Channel<I, O>(native, inputs, outputs, {
      control: (type, message) => this.#bridge.control(type, message),
      arrived: () => this.activity.changed(),
      portEnded: () => this.activity.changed(),
      problem: (text) => options.warn(text),
      failed: (error) => this.#bridge.misused(error),
    });
    this.channel.stalls.isHost = true;
    if (options.keepsFrames) this.channel.keepCopies();
    this.requests = new ClientRequests(
      { clock: native.clock, channel: this.channel, warn: options.warn },
      options.settings,
    );
    this.#bridge = this.#connect();
    this.#watch = options.watch?.({
      changed: (path) => this.#reload(path),
      failed: (why) => this.#unwatched(why),
    });
    held.move(); // from here on #end releases it
  }

  /** The current connection, or the last one. */
  get bridge(): Pick<
    HostBridge,
    | "phase"
    | "connectionId"
    | "connectionInfo"
    | "brokerService"
    | "brokerEmbedded"
    | "clientPid"
  > {
    return this.#bridge;
  }

  /** The time of each step of this connection's handshake. */
  get times(): Readonly<Partial<HandshakeTimes>> {
    return this.#bridge.times;
  }

  /** Whether the client has flushed, after all inputs have ended. */
  get hasFlushed(): boolean {
    return this.#hasFlushed;
  }

  /** Why the last connection that failed did so. */
  get lastFailure(): HostFailure | undefined {
    return this.#lastFailure;
  }

  /** Why the host has begun to end; `undefined` after a close. */
  get failure(): HostFailure | undefined {
    return this.#failure;
  }

  /** Whether every port has ended and all frames were read. False if there are no ports. */
  get isDone(): boolean {
    const { incomingEnded, outgoingEnded, unread } = this.channel;
    const hasPorts = (incomingEnded ?? outgoingEnded) !== undefined;
    return hasPorts && unread === 0 && isDrained(this);
  }

  /** The number of restarts. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Tells the client to start or stop, as soon as it is ready, and each later client too. */
  setRunning(on: boolean): void {
    this.channel.stalls.setResting("stopped", !on);
    this.#turnRunning(on ? "on" : "off");
  }

  /** Tells the client to pause or resume, as soon as it is ready, and each later client too. */
  setPaused(on: boolean): void {
    this.channel.stalls.setResting("paused", on);
    this.#turnPaused(on ? "on" : "off");
  }

  /** Ends every input, and waits until the client has ended every output; see `ProcessorHost.drain`. */
  async drain(signal: AbortSignal | undefined): Promise<void> {
    if (this.#wasDrained) return; // and stays so when it is closed
    this.#keepsResults = true;
    const { stalls } = this.channel;
    stalls.setDraining(true);
    try {
      await drained(this, signal);
    } finally {
      stalls.setDraining(false);
    }
    this.#wasDrained = true;
  }

  /**
   * Closes the host: tells the client to end, and gives it time to do so. Drops the
   * results that were not read, unless the host was drained.
   */
  async close(): Promise<void> {
    if (this.#between) this.#end(undefined);
    else this.#bridge.close();
    await this.ended;
    releaseFrames(this.#lastFailure);
    if (!this.#keepsResults) this.channel[Symbol.dispose]();
  }

  #turnRunning(event: SwitchEvent): void {
    const { after, tell } = switchStep(this.#running, event);
    this.#running = after;
    if (tell === undefined) return;
    this.channel.sendControl(tell ? CTRL_TYPE.start : CTRL_TYPE.stop);
  }

  #turnPaused(event: SwitchEvent): void {
    const { after, tell } = switchStep(this.#paused, event);
    this.#paused = after;
    if (tell === undefined) return;
    this.channel.sendControl(tell ? CTRL_TYPE.pause : CTRL_TYPE.resume);
  }

  // ---- one connection after the other ----

  #connect(): HostBridge {
    return new HostBridge(this.#native.lease(), this.channel, this.#options, {
      requests: this.requests,
      reported: () => ({
        hangs: this.#hangs,
        settings_json: settingsText(this.requests.values),
      }),
      opened: () => this.#opened(),
      flushed: () => {
        this.#hasFlushed = true;
        this.activity.changed();
      },
      over: (failure) => this.#bridgeOver(failure),
    });
  }

  #opened(): void {
    this.#openedAt = this.#native.clock.now();
    // Pause is sent before start, so that a paused client does not run for a moment.
    this.#turnPaused("open");
    this.#turnRunning("open");
    this.requests.opened();
    this.#ready.resolve();
    this.activity.changed();
  }

  #bridgeOver(failure: HostFailure | undefined): void {
    this.#turnPaused("close");
    this.#turnRunning("close");
    this.requests.lost(failure);
    this.#hasFlushed = false;
    this.#lastFailure = failure ?? this.#lastFailure;
    if (failure) this.#reported = this.#options.report?.(failure);
    if (failure?.code === "client_hung") this.#hangs++;
    this.#lastRead = failure?.frames.find(({ isLastRead }) => isLastRead);
    const ranMs = this.#openedAt === undefined
      ? 0
      : this.#native.clock.now() - this.#openedAt;
    this.#openedAt = undefined;
    const { restart, restarting } = this.#options;
    const decision = failure
      ? decideRestart(restart, failure, this.#inARow, ranMs)
      : undefined;
    if (this.#reloads) {
      this.#reloads = false;
      this.#between = true;
      this.#beginSoon();
      return;
    }
    if (!failure || !decision?.restart) {
      if (failure && this.#watch) this.#awaitChange(failure);
      else this.#end(failure);
      return;
    }
    const { inARow, pauseMs } = decision;
    this.#inARow = inARow;
    this.#between = true;
    this.#pause = this.#native.clock.after(pauseMs, () => this.#beginSoon());
    restarting({ failure, inARow, pauseMs });
  }

  // ---- when the client's files change ----

  /** A client that would be the last one has failed: the next one is started when its files have changed. */
  #awaitChange({ message }: HostFailure): void {
    this.#between = this.#awaitsChange = true;
    this.#options.warn(
      `${message}\nthe next client is started when a file of its module has changed`,
    );
  }

  #unwatched(why: string): void {
    this.#watch = undefined;
    this.#options.warn(
      `the files of the client are not watched: ${why}`,
    );
    if (this.#awaitsChange) this.#end(this.#lastFailure);
  }

  #reload(path: string): void {
    if (this.over.aborted || this.#beginning || this.#reloads) return;
    this.#options.warn(`${path} has changed: starting a new client`);
    this.#inARow = 0;
    if (this.#between) {
      this.#pause?.cancel();
      this.#awaitsChange = false;
      this.#beginSoon();
    } else {
      this.#reloads = true;
      this.#bridge.close(true);
    }
  }

  // ---- the next connection ----

  #beginSoon(): void {
    this.#beginning ??= this.#begin().finally(() => {
      this.#beginning = undefined;
    });
  }

  /** Makes the next connection, once the last one is released. */
  async #begin(): Promise<void> {
    try {
      await this.#bridge.released;
      await this.#reported;
      if (this.over.aborted) return;
      this.#settleFrames();
      this.#bridge = this.#connect();
      this.#between = false;
      this.#restarts++;
    } catch (cause) {
      this.#end(
        new HostFailure(
          cause instanceof BridgeError ? cause.code : "native_failure",
          cause instanceof BridgeError ? cause.message : describeError(cause),
          { cause },
        ),
      );
    }
  }

  /** Decides what becomes of the frames that the last client had. */
  #settleFrames(): void {
    const { resend = "none" } = this.#options;
    releaseFrames(this.#lastFailure);
    this.channel.settleUnreleased(
      resend !== "none",
      resend === "all-but-last-read" ? this.#lastRead : undefined,
    );
  }

  #end(failure: HostFailure | undefined): void {
    if (this.over.aborted) return;
    this.#failure = failure;
    this.#over.abort();
    this.activity.changed();
    this.#pause?.cancel();
    this.#ready.reject(
      failure ?? new BridgeError("closed", "The host was closed"),
    );
    this.channel.end(failure);
    this.requests.ended(failure);
    this.#bridge.released.then(() => failure, (cause) =>
      new HostFailure(
        "native_failure",
        `Cannot release the host: ${describeError(cause)}`,
        { cause },
      )).then(async (outcome) => {
        await this.#reported;
        await this.#watch?.[Symbol.asyncDispose]();
        this.#native[Symbol.dispose]();
        this.#ended.resolve(outcome);
      });
  }
}

/** Ends the leases on the frames of a failure. */
function releaseFrames(failure: HostFailure | undefined): void {
  for (const { frame } of failure?.frames ?? []) frame[Symbol.dispose]();
}
