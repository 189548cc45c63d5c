/**
 * A broker: puts the registry, its handlers and their carriers together. It
 * runs in a process of its own (`deno task broker`) or embedded in a host's.
 *
 * @module
 */

import type { Bootstrap } from "../ffi/bootstrap.ts";
import type { OwnedCapability } from "../ffi/capability.ts";
import { pause, type TimerClock } from "../ffi/clock.ts";
import { Native } from "../ffi/native.ts";
import { isActivated } from "../ffi/stream_listener.ts";
import {
  type ConnectionRecord,
  derivedState,
  hasFailed,
} from "../proto/states/connection_record.ts";
import { createHandlers } from "./calls/handlers.ts";
import { type GrpcService, type StartGrpc, startGrpc } from "./grpc_loader.ts";
import { Idleness, type IdlenessLimits, type Occupancy } from "./idleness.ts";
import { Log, type LogOptions } from "./log/log.ts";
import { LogRing } from "./log/log_ring.ts";
import { Incidents } from "./registry/incidents.ts";
import { identifyBy } from "./registry/process.ts";
import {
  createQuotas,
  defaultLimits,
  type QuotaLimits,
} from "./registry/quotas.ts";
import { Registry } from "./registry/registry.ts";
import { Relay } from "./xpc/xpc_carrier.ts";
import { Runtimes } from "./registry/runtimes.ts";

const LOOK_MS = 1_000;

/** The options of a broker. */
export interface BrokerOptions {
  /**
   * The shim, which the broker takes and closes. By default it opens one.
   *
   * @internal
   */
  readonly native?: Native;
  /** The XPC service name. */
  readonly service: string;
  /**
   * The bootstrap that has the name: only this process and those that it has started
   * with the bootstrap reach the broker. Default: every process of this user does.
   */
  readonly bootstrap?: Bootstrap;
  /** The gRPC address, `unix:/path`. Without it gRPC is not served. */
  readonly grpc?: string;
  /**
   * Begins to serve gRPC. By default its modules are loaded when they are needed.
   *
   * @internal
   */
  readonly startGrpc?: StartGrpc;
  /** Where log records go, and from which level. */
  readonly log: Omit<LogOptions, "now">;
  /** Limits that replace the default ones, by the name of the quota. */
  readonly limits?: Partial<QuotaLimits>;
}

/** A running broker. */
export class Broker implements AsyncDisposable {
  /** The XPC service name. */
  readonly service: string;
  /** The gRPC address; `undefined` if gRPC is not served. */
  readonly grpc: string | undefined;
  readonly #parts: Parts;
  readonly #stack: AsyncDisposableStack;

  /**
   * Starts a broker. Returns when the XPC service has answered a test message
   * and gRPC accepts connections.
   *
   * @throws {BridgeError} `name_in_use` if another process has the service name
   * or the address, `bad_argument` if the address cannot be used
   */
  static async start(options: BrokerOptions): Promise<Broker> {
    await using stack = new AsyncDisposableStack();
    const native = stack.use(options.native ?? Native.open());
    const { clock } = native;
    // Milliseconds since the epoch, monotonic.
    const now = (): number => performance.timeOrigin + clock.now();
    const logs = new LogRing();
    const log = new Log("broker", {
      ...options.log,
      now,
      sink: (line) => options.log.sink(line),
    }, logs);
    const quotas = createQuotas({
      ...defaultLimits(native.descriptorLimit()),
      ...options.limits,
    });
    const incidents = new Incidents();
    const identify = identifyBy((pid) => native.processStarted(pid));
    const registry = stack.use(
      new Registry<OwnedCapability>({
        now,
        quotas,
        setTimer: (callback, ms) => {
          const timer = clock.after(ms, callback);
          timer.unref();
          return () => timer.cancel();
        },
        onChange: (after, before) => logChange(log, after, before),
      }),
    );
    const runtimes = new Runtimes(now, quotas);
    const handlers = createHandlers({
      registry,
      runtimes,
      logs,
      quotas,
      incidents,
      log: log.component("control"),
      now,
      dup: (endpoint: OwnedCapability) => endpoint.dup(),
    });
    const { service, bootstrap } = options;
    const isPassed = !bootstrap && isActivated(native, service);
    const relay = stack.use(
      await Relay.start({
        native,
        service,
        bootstrap,
        handlers,
        quotas,
        incidents,
        identify,
        log: log.component("xpc"),
        peerLost: (peer, why) => {
          registry.peerLost(peer, why);
          runtimes.peerLost(peer);
        },
      }),
    );
    let carrier: GrpcService | undefined;
    if (options.grpc !== undefined) {
      carrier = stack.use(
        await (options.startGrpc ?? startGrpc)({
          native,
          service: options.service,
          address: options.grpc,
          handlers,
          quotas,
          incidents,
          identify,
          log: log.component("grpc"),
        }),
      );
    }
    log.info("serving", {
      service: options.service,
      grpc: carrier?.address,
      xpc_socket: bootstrap ? "bootstrap" : isPassed ? "passed" : "own",
      grpc_socket: carrier && (carrier.isInherited ? "passed" : "own"),
    });
    const isRestarted = isPassed || (carrier?.isInherited ?? false);
    return new Broker(options.service, {
      registry,
      runtimes,
      relay,
      carrier,
      log,
      isRestarted,
    }, stack.move());
  }

  private constructor(
    service: string,
    parts: Parts,
    stack: AsyncDisposableStack,
  ) {
    this.service = service;
    this.grpc = parts.carrier?.address;
    this.#parts = parts;
    this.#stack = stack;
  }

  /**
   * The runtimes, connections and peers that it has now.
   *
   * @internal
   */
  get occupancy(): Occupancy {
    const { registry, runtimes, relay, carrier } = this.#parts;
    const connections = registry.list().filter((one) => !hasFailed(one));
    const inUse = new Set(connections.map(({ runtimeId }) => runtimeId));
    const sessions = carrier?.sessionCount ?? 0;
    return {
      runtimes:
        runtimes.list().filter((runtime) =>
          runtimes.status(runtime, inUse.has(runtime.id)) !== "dead"
        ).length,
      connections: connections.length,
      peers: relay.peerCount,
      clients: carrier?.connectionCount ?? 0,
      arrivals: relay.peerTotal + sessions,
      sessions,
    };
  }

  /**
   * Resolves when the broker may end by `limits`; never without limits. Dispose
   * it in the same turn of the event loop: nobody is connected then, and a peer
   * that connects to a socket passed by a service manager is served by the next
   * broker.
   *
   * @param signal stops the check; the promise resolves then too
   * @internal
   */
  async unused(
    limits: IdlenessLimits,
    clock: TimerClock,
    signal: AbortSignal,
  ): Promise<void> {
    const { log, isRestarted } = this.#parts;
    const { sessions, ...others } = limits;
    if (sessions !== undefined && !isRestarted) {
      log.warn("--recycle-after has no effect without a service manager");
    }
    const usable = isRestarted ? limits : others;
    if (Object.keys(usable).length === 0) return await new Promise(() => {});
    const idleness = new Idleness(usable);
    while (!signal.aborted) {
      const finding = idleness.look(clock.now(), this.occupancy);
      if ("end" in finding) {
        log.info("ending", { reason: finding.end });
        return;
      }
      await pause(clock, finding.lookAgainMs, signal);
    }
  }

  /**
   * Logs once a second what happened outside the event loop, until `signal` aborts.
   *
   * @internal
   */
  async watchSilence(clock: TimerClock, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#parts.relay.noteSilent();
      await pause(clock, LOOK_MS, signal);
    }
  }

  /** Stops serving. Open channels are not affected. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** The parts that the broker keeps. */
interface Parts {
  readonly registry: Registry<OwnedCapability>;
  readonly runtimes: Runtimes;
  readonly relay: Relay;
  readonly carrier: GrpcService | undefined;
  readonly log: Log;
  /** Whether a service manager owns the sockets, and so starts the next broker. */
  readonly isRestarted: boolean;
}

function logChange(
  log: Log,
  after: ConnectionRecord,
  before: ConnectionRecord | undefined,
): void {
  const state = derivedState(after);
  if (before && derivedState(before) === state) return;
  const level = state === "failed" ? "warn" : "info";
  log[level](state, {
    connection_id: after.id,
    runtime_id: after.runtimeId,
    processor_id: after.processorId,
    reason: after.failureReason || undefined,
  });
}
