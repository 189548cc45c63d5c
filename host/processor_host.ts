/**
 * What every kind of host has: ports, readiness, the end.
 *
 * @module
 */

import { continuousLoop } from "../ffi/channel/activity.ts";
import type {
  ChannelStats,
  Receivers,
  Senders,
} from "../ffi/channel/channel.ts";
import { permittedEnvironment } from "../ffi/environment.ts";
import type { Native } from "../ffi/native.ts";
import { connectionSchema, type NoPorts } from "../proto/connection_schema.ts";
import { readVariable } from "../proto/environment.ts";
import { BridgeError } from "../proto/errors.ts";
import { DEFAULT_TIMEOUT_SECS, MAX_TIMEOUT_SECS } from "../proto/limits.ts";
import { serviceName } from "../proto/names.ts";
import type { PortMap } from "../proto/port.ts";
import {
  type HandshakeTimes,
  HostBridge,
  type ProcessorMode,
} from "./bridge.ts";
import { findBroker } from "./broker_finder.ts";
import { findConfig } from "./client_config.ts";
import { embedBroker } from "./embed.ts";
import { type ClientPermissions, spawnClient } from "./spawn.ts";

/** How a host is launched. */
export interface HostOptions<I extends PortMap, O extends PortMap> {
  /** The processor's module: its default export is what `reactive()`, `manual()` or `continuous()` of `@streamlib/bridge/client` returned. */
  readonly module: URL | string;
  /** What the client receives, by port. */
  readonly inputs?: I;
  /** What the client sends, by port. */
  readonly outputs?: O;
  /** What the client's process may do beyond the bridge itself; nothing if not said. */
  readonly permissions?: ClientPermissions;
  /** Variables for the client's process, which it may read. */
  readonly env?: Readonly<Record<string, string>>;
  /** A `deno.json` by which the module's imports are resolved. If not said: the nearest beside or above the module, where this process may read that. */
  readonly config?: string | URL;
  /** The Deno that runs the client; this process's own if not said. */
  readonly deno?: string;
  /** The service name of the broker to use, and no other. If not said: STREAMLIB_BROKER_XPC_SERVICE, else whoever serves the default name, else one embedded in this process. */
  readonly broker?: string;
  /** Who owns the processor; shown by the broker. */
  readonly runtimeId?: string;
  /** Which processor it is; shown by the broker. A random one if not said. */
  readonly processorId?: string;
  /** Seconds until a connection that is not ready has failed: 300 if not said. */
  readonly timeoutSecs?: number;
  /** Ends the host as {@link ProcessorHost.close} does. */
  readonly signal?: AbortSignal;
  /** Takes what the client writes on stdout and stderr; this process's stderr if not said. */
  readonly output?: (chunk: Uint8Array) => void;
  /** Takes warnings, such as frames that do not fit; this process's stderr if not said. */
  readonly warn?: (text: string) => void;
}

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
  readonly #bridge: HostBridge<I, O>;

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
    this.#bridge = new HostBridge(bridgeOptions(options, mode));
    this.input = this.#bridge.channel.senders;
    this.output = this.#bridge.channel.receivers;
    this.ready = this.#bridge.ready;
    this.ended = this.#bridge.ended;
    const onAbort = (): void => void this.close();
    signal?.addEventListener("abort", onAbort, { once: true });
    this.ended.finally(() => signal?.removeEventListener("abort", onAbort));
  }

  /** The client's process id; 0 before it is started. */
  get clientPid(): number {
    return this.#bridge.clientPid;
  }

  /** The connection's id at the broker; "" before it is allocated. */
  get connectionId(): string {
    return this.#bridge.connectionId;
  }

  /** The broker's service name and whether it runs in this process; "" before it is found. */
  get broker(): { readonly service: string; readonly embedded: boolean } {
    return {
      service: this.#bridge.brokerService,
      embedded: this.#bridge.brokerEmbedded,
    };
  }

  /** What went over the channel so far. */
  get stats(): ChannelStats {
    return this.#bridge.channel.stats;
  }

  /** When each step of the handshake was done, in milliseconds since the launch. */
  get times(): Readonly<Partial<HandshakeTimes>> {
    return this.#bridge.times;
  }

  /** Tells the client to start or stop, once it can be told. */
  protected setRunning(on: boolean): void {
    this.#bridge.setRunning(on);
  }

  /** Calls `turn` again and again, from ready to the end; see {@link ContinuousHost.run}. */
  protected async repeat(
    turn: () => void | Promise<void>,
    restMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.ready;
    const { channel, activity } = this.#bridge;
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
    this.#bridge.setPaused(true);
  }

  /** Ends what {@link pause} began. */
  resume(): void {
    this.#bridge.setPaused(false);
  }

  /** Ends it in order: the client is told and given time, then all is released. Again is harmless. */
  close(): Promise<void> {
    return this.#bridge.close();
  }

  /** As {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function bridgeOptions<I extends PortMap, O extends PortMap>(
  options: HostOptions<I, O>,
  processorType: ProcessorMode,
): ConstructorParameters<typeof HostBridge<I, O>>[0] {
  const module = moduleUrl(options.module);
  const { timeoutSecs = DEFAULT_TIMEOUT_SECS } = options;
  if (
    !Number.isInteger(timeoutSecs) || timeoutSecs < 1 ||
    timeoutSecs > MAX_TIMEOUT_SECS
  ) {
    throw new BridgeError(
      "bad_argument",
      `Cannot launch with timeoutSecs ${timeoutSecs}: it is an integer from 1 to ${MAX_TIMEOUT_SECS}`,
    );
  }
  const env = permittedEnvironment();
  const { output = toStderr, warn = warnToStderr } = options;
  return {
    schema: connectionSchema({
      ...(options.inputs && { inputs: options.inputs }),
      ...(options.outputs && { outputs: options.outputs }),
    }) as ConstructorParameters<typeof HostBridge<I, O>>[0]["schema"],
    runtimeId: options.runtimeId ?? readVariable(env, "STREAMLIB_RUNTIME_ID") ??
      `pid-${Deno.pid}`,
    processorId: options.processorId ?? crypto.randomUUID(),
    processorType,
    timeoutSecs,
    findBroker: (native: Native, signal: AbortSignal) =>
      findBroker(
        native,
        options.broker ?? readVariable(env, "STREAMLIB_BROKER_XPC_SERVICE"),
        serviceName(env),
        embedBroker,
        signal,
      ),
    spawn: (bridgeEnv) =>
      spawnClient({
        module,
        runner: new URL("../client/runner.ts", import.meta.url),
        permissions: options.permissions ?? {},
        bridgeEnv,
        userEnv: options.env ?? {},
        deno: options.deno ?? Deno.execPath(),
        config: configPath(options.config) ?? findConfig(module),
        output,
      }),
    warn,
  };
}

function configPath(config: string | URL | undefined): string | undefined {
  return config instanceof URL ? decodeURIComponent(config.pathname) : config;
}

function moduleUrl(module: URL | string): URL {
  if (module instanceof URL) return module;
  const url = URL.parse(module);
  if (url) return url;
  throw new BridgeError(
    "bad_argument",
    `Cannot launch ${JSON.stringify(module)}: a module is named by its URL, ` +
      "such as new URL('./blur.ts', import.meta.url)",
  );
}

/** What cannot be written, because nobody reads it any more, is lost: that is no failure of the host. */
function toStderr(chunk: Uint8Array): void {
  try {
    for (let at = 0; at < chunk.length;) {
      at += Deno.stderr.writeSync(chunk.subarray(at));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

function warnToStderr(text: string): void {
  toStderr(new TextEncoder().encode(`streamlib: ${text}\n`));
}
