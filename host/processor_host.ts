/**
 * The base class of the three kinds of host.
 *
 * @module
 */

import { continuousLoop } from "../channel/activity.ts";
import type { ChannelStats } from "../channel/channel_stats.ts";
import type { Receivers, Senders } from "../channel/ports/channel_ports.ts";
import { Native } from "../ffi/native.ts";
import type { GetConnectionInfoResponse } from "../proto/broker_gen.ts";
import type { NoPorts } from "../proto/schema/connection_schema.ts";
import { BridgeError } from "../proto/errors.ts";
import type { CallMap } from "../proto/schema/call_types.ts";
import type { PortMap } from "../proto/schema/port.ts";
import type { ProcessorMode } from "../proto/schema/processor_types.ts";
import type { SettingMap } from "../proto/schema/settings.ts";
import type { HostFailure } from "./host_failure.ts";
import type { HandshakeTimes } from "./handshake_times.ts";
import {
  type HostCalls,
  hostCalls,
  type HostSettings,
  hostSettings,
} from "./asking.ts";
import { type HostOptions, supervisorOptions } from "./options.ts";
import { Supervisor } from "./supervisor.ts";

/** How a host is closed. */
export interface CloseOptions {
  /** Whether the host is drained first; see {@link ProcessorHost.drain}. */
  readonly drain?: boolean;
  /** Aborts the draining; the host is closed then. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A host and its client. `launch` returns at once; the connection is made in
 * the background. Frames that are sent before {@link ready} are dropped without
 * an error, and counted in {@link stats}.
 */
export abstract class ProcessorHost<
  I extends PortMap = NoPorts,
  O extends PortMap = NoPorts,
  S extends SettingMap = SettingMap,
  C extends CallMap = CallMap,
> implements AsyncDisposable {
  /** Sends frames to the client, by port. */
  readonly input: Senders<I>;
  /** Receives frames from the client, by port. */
  readonly output: Receivers<O>;
  /** The processor's settings: parameters that can be changed while it runs. */
  readonly settings: HostSettings<S>;
  /**
   * Calls the processor, by the names of the calls that it declares:
   * `await host.call.snapshot({ scale: 0.5 })`. The processor answers between two
   * calls of its other functions, after the frames that were sent before were read.
   * While the host is not ready, or its client is started again, the call waits.
   * A call is made at most once, and its promise always settles. It rejects
   *
   * - with `bad_argument` if the processor has no such call, or the request does not fit;
   * - with `client_failed`, or the code of a `BridgeError`, if the processor throws:
   *   it goes on;
   * - with `channel_lost` if the client ends before it has answered;
   * - with `timed_out` after the time limit, 10 s by default, `aborted` if the signal
   *   aborts, `outbox_full` if 64 requests are not answered;
   * - with `version_mismatch` if the client's library knows no calls;
   * - with the host's failure, or `closed`, if the host ends.
   */
  readonly call: HostCalls<C>;
  /** Resolves when the host has ended and everything is released: with the failure, or with `undefined` after {@link close}. Never rejects. */
  readonly ended: Promise<HostFailure | undefined>;
  readonly #supervisor: Supervisor<I, O>;

  /** Launches a host; see the `launch` method of each kind. */
  protected constructor(options: HostOptions<I, O>, mode: ProcessorMode) {
    const { signal } = options;
    if (signal?.aborted) {
      throw new BridgeError(
        "aborted",
        "Cannot launch: the signal has aborted",
        {
          cause: signal.reason,
        },
      );
    }
    const prepared = supervisorOptions(options, mode);
    this.#supervisor = new Supervisor(Native.open(), prepared);
    this.input = this.#supervisor.channel.senders;
    this.output = this.#supervisor.channel.receivers;
    this.settings = hostSettings(this.#supervisor.requests);
    this.call = hostCalls(this.#supervisor.requests);
    this.ended = this.#supervisor.ended;
    const onAbort = (): void => void this.close();
    signal?.addEventListener("abort", onAbort, { once: true });
    this.ended.finally(() => signal?.removeEventListener("abort", onAbort));
  }

  /** Resolves when frames can flow. Rejects with a {@link HostFailure} if the host fails before that; the message says why, and how far the handshake got. */
  get ready(): Promise<void> {
    this.#supervisor.channel.stalls.knowsReady = true;
    return this.#supervisor.ready;
  }

  /** The client's process id; 0 before it is started. */
  get clientPid(): number {
    return this.#supervisor.bridge.clientPid;
  }

  /** The connection's id at the broker; "" before it is allocated. */
  get connectionId(): string {
    return this.#supervisor.bridge.connectionId;
  }

  /**
   * Returns the broker's record of the connection: the states of both sides,
   * and the time of each change. `undefined` before the connection is allocated.
   *
   * ```ts ignore
   * const info = await host.connectionInfo();
   * console.log(info?.derived_state); // "awaiting_client", say
   * ```
   *
   * @throws {BridgeError} `broker_unreachable`, `broker_lost` or `timed_out` if
   * the broker does not answer; the channel goes on. `closed` if the host has
   * ended, `aborted` if it ends before the answer
   */
  connectionInfo(): Promise<GetConnectionInfoResponse | undefined> {
    return this.#supervisor.bridge.connectionInfo();
  }

  /** The broker's service name and whether it runs in this process; "" before it is found. */
  get broker(): { readonly service: string; readonly embedded: boolean } {
    const { brokerService, brokerEmbedded } = this.#supervisor.bridge;
    return { service: brokerService, embedded: brokerEmbedded };
  }

  /** The channel's counters since the launch. */
  get stats(): ChannelStats {
    return this.#supervisor.channel.stats;
  }

  /** The number of restarts since the launch; see {@link HostOptions.restart}. */
  get restarts(): number {
    return this.#supervisor.restarts;
  }

  /** The time of each step of the handshake, in milliseconds since the launch or the last restart. */
  get times(): Readonly<Partial<HandshakeTimes>> {
    return this.#supervisor.times;
  }

  /** Tells the client to start or stop, as soon as it is ready. */
  protected setRunning(on: boolean): void {
    this.#supervisor.setRunning(on);
  }

  /** Calls `turn` repeatedly while the host is ready; see {@link ContinuousHost.run}. */
  protected async repeat(
    turn: () => void | Promise<void>,
    restMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { channel } = this.#supervisor;
    try {
      await this.#loop(
        async () => {
          try {
            await turn();
          } catch (error) {
            // The host is being drained: the turn may still read.
            if (!channel.isPastEnd(error)) throw error;
          }
        },
        restMs,
        signal,
      );
    } catch (error) {
      // After a close, a turn that sends gets this error: the end, not a failure.
      const closed = error instanceof BridgeError && error.code === "closed";
      if (!closed || !this.#supervisor.over.aborted) throw error;
    }
    const failure = this.#supervisor.over.aborted
      ? await this.ended
      : undefined;
    if (failure) throw failure;
  }

  async #loop(
    turn: () => void | Promise<void>,
    restMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.ready;
    const supervisor = this.#supervisor;
    const { channel, activity, over } = supervisor;
    const isOver = (): boolean =>
      over.aborted || signal?.aborted === true || supervisor.isDone;
    await continuousLoop(channel, activity, turn, restMs, isOver);
  }

  /** Pauses the processor: `process` is not called until {@link resume}. Before the host is ready, the pause takes effect as soon as it is. */
  pause(): void {
    this.#supervisor.setPaused(true);
  }

  /** Resumes the processor after {@link pause}. */
  resume(): void {
    this.#supervisor.setPaused(false);
  }

  /**
   * Ends every input, and resolves when the client has processed everything: when
   * it has ended every output and, if it has inputs, has flushed. The results may
   * still be unread then; a port in order must be read meanwhile, since its sender
   * waits for room. A host without inputs waits for its client to end the outputs
   * by itself: draining does not stop a source. The host stays open: close it.
   *
   * Nothing can be sent afterwards: {@link FrameSender.acquire} throws `closed`.
   * A client that is started again is told of the ends too.
   *
   * ```ts ignore
   * const reading = (async () => {
   *   for await (using frame of host.output.video) await write(frame);
   * })(); // finishes by itself
   * for await (const picture of source) await send(host.input.video, picture);
   * await host.drain({ signal: AbortSignal.timeout(10_000) });
   * await reading;
   * await host.close();
   * ```
   *
   * @throws {BridgeError} `channel_lost`, with their number, if frames were with a
   * client when it died, at any time since the launch: once the outputs have
   * ended, or the host has failed; else the host's failure, if it fails first;
   * `closed` if it is closed first; `version_mismatch` if the client does not know
   * ends; `aborted` if `signal` aborts, with its reason as the cause
   */
  drain(
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    return this.#supervisor.drain(signal);
  }

  /**
   * Closes the host: tells the client to end, waits for it, and releases
   * everything. Another call has no further effect. What the client has not yet
   * processed is lost, and so are results that nobody has read or iterates over,
   * unless the host is drained first: with `drain: true`. Then the results hold
   * their memory until they are read.
   *
   * @throws {BridgeError} with `drain`: what {@link drain} throws, after the host
   * was closed
   */
  async close({ drain, signal }: CloseOptions = {}): Promise<void> {
    try {
      if (drain) await this.drain({ signal });
    } finally {
      await this.#supervisor.close();
    }
  }

  /** Closes the host; see {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
