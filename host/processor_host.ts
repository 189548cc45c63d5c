/**
 * What every kind of host has: ports, readiness, the end.
 *
 * @module
 */

import { continuousLoop } from "../channel/activity.ts";
import type { ChannelStats, Receivers, Senders } from "../channel/channel.ts";
import { Native } from "../ffi/native.ts";
import type { GetConnectionInfoResponse } from "../proto/broker_gen.ts";
import type { NoPorts } from "../proto/schema/connection_schema.ts";
import { BridgeError } from "../proto/errors.ts";
import type { PortMap } from "../proto/schema/port.ts";
import type { HandshakeTimes, ProcessorMode } from "./bridge.ts";
import { type HostOptions, supervisorOptions } from "./options.ts";
import { Supervisor } from "./supervisor.ts";

/**
 * A host and its client. Launching one returns at once; everything happens in
 * the background. Until {@link ready}, frames that are sent are dropped and
 * counted, silently.
 */
export abstract class ProcessorHost<
  I extends PortMap = NoPorts,
  O extends PortMap = NoPorts,
> implements AsyncDisposable {
  /** Where frames go in, by port. */
  readonly input: Senders<I>;
  /** Where frames come out, by port. */
  readonly output: Receivers<O>;
  /** Resolves when frames can flow; rejects with a {@link BridgeError} that says why they never will, and how far it got. */
  readonly ready: Promise<void>;
  /** Resolves when it is over: with the failure, or `undefined` when it was closed. */
  readonly ended: Promise<BridgeError | undefined>;
  readonly #supervisor: Supervisor<I, O>;

  /** Launches: see the `launch` of each kind. */
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
    this.ready = this.#supervisor.ready;
    this.ended = this.#supervisor.ended;
    const onAbort = (): void => void this.close();
    signal?.addEventListener("abort", onAbort, { once: true });
    this.ended.finally(() => signal?.removeEventListener("abort", onAbort));
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
   * The connection as the broker sees it now: the states of both sides, and
   * since when. `undefined` before it is allocated.
   *
   * ```ts ignore
   * const info = await host.connectionInfo();
   * console.log(info?.derived_state); // "awaiting_client", say
   * ```
   *
   * @throws {BridgeError} `broker_unreachable`, `broker_lost`, `timed_out`
   * where the broker does not answer, which ends no channel; `closed` after the
   * host's end, `aborted` when that comes meanwhile
   */
  connectionInfo(): Promise<GetConnectionInfoResponse | undefined> {
    return this.#supervisor.bridge.connectionInfo();
  }

  /** The broker's service name and whether it runs in this process; "" before it is found. */
  get broker(): { readonly service: string; readonly embedded: boolean } {
    const { brokerService, brokerEmbedded } = this.#supervisor.bridge;
    return { service: brokerService, embedded: brokerEmbedded };
  }

  /** What went over the channel so far. */
  get stats(): ChannelStats {
    return this.#supervisor.channel.stats;
  }

  /** How many clients have followed one that failed; see {@link HostOptions.restart}. */
  get restarts(): number {
    return this.#supervisor.restarts;
  }

  /** When each step of the handshake was done, in milliseconds since the launch, or the last restart. */
  get times(): Readonly<Partial<HandshakeTimes>> {
    return this.#supervisor.times;
  }

  /** Tells the client to start or stop, once it can be told. */
  protected setRunning(on: boolean): void {
    this.#supervisor.setRunning(on);
  }

  /** Calls `turn` again and again, from ready to the end; see {@link ContinuousHost.run}. */
  protected async repeat(
    turn: () => void | Promise<void>,
    restMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.ready;
    const { channel, activity } = this.#supervisor;
    const over = new AbortController();
    this.ended.then(() => {
      over.abort();
      activity.changed();
    });
    const stop = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
    await continuousLoop(channel, activity, turn, restMs, stop);
    const failure = over.signal.aborted ? await this.ended : undefined;
    if (failure) throw failure;
  }

  /** No more calls of `process` until {@link resume}; remembered until the client can be told. */
  pause(): void {
    this.#supervisor.setPaused(true);
  }

  /** Ends what {@link pause} began. */
  resume(): void {
    this.#supervisor.setPaused(false);
  }

  /** Ends it in order: the client is told and given time, then all is released. Again is harmless. */
  close(): Promise<void> {
    return this.#supervisor.close();
  }

  /** As {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
