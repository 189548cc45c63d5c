/**
 * A broker: the registry, its handlers, and their carriers, put together.
 * It runs alone (`deno task broker`) or embedded in a host's process.
 *
 * @module
 */

import type { OwnedCapability } from "../ffi/capability.ts";
import { type Clock, pause } from "../ffi/clock.ts";
import { Native } from "../ffi/native.ts";
import { isActivated } from "../ffi/stream_listener.ts";
import {
  type ConnectionRecord,
  derivedState,
  hasFailed,
} from "../proto/states/connection_record.ts";
import { createHandlers } from "./calls/handlers.ts";
import type { GrpcCarrier } from "./grpc/grpc_carrier.ts";
import { Idleness, type IdlenessLimits, type Occupancy } from "./idleness.ts";
import { Log, type LogOptions } from "./log/log.ts";
import { LogRing } from "./log/log_ring.ts";
import { Registry } from "./registry/registry.ts";
import { Relay } from "./xpc/xpc_carrier.ts";
import { Runtimes } from "./registry/runtimes.ts";

/** What a broker serves, and where it writes. */
export interface BrokerOptions {
  /**
   * A lease, taken over; one of this isolate's own if not said.
   *
   * @internal
   */
  readonly native?: Native;
  /** The XPC service name. */
  readonly service: string;
  /** Where gRPC is served, `unix:/path`; not at all if not said. */
  readonly grpc?: string;
  /** Where log records go, and how many. */
  readonly log: Omit<LogOptions, "now">;
}

/** A broker that serves. */
export class Broker implements AsyncDisposable {
  /** The XPC service name. */
  readonly service: string;
  /** Where gRPC is served; `undefined` if it is not. */
  readonly grpc: string | undefined;
  readonly #parts: Parts;
  readonly #stack: AsyncDisposableStack;

  /**
   * Starts one, and returns when every carrier has answered itself.
   *
   * @throws {BridgeError} `name_in_use` where the service or the address is
   * taken, `bad_argument` where an address cannot be
   */
  static async start(options: BrokerOptions): Promise<Broker> {
    await using stack = new AsyncDisposableStack();
    const native = stack.use(options.native ?? Native.open());
    const { clock } = native;
    // Epoch milliseconds that never go backwards.
    const now = (): number => performance.timeOrigin + clock.now();
    const logs = new LogRing();
    const log = new Log("broker", {
      ...options.log,
      now,
      sink: (line) => {
        logs.add(line); // first: a full disk shows here as well
        options.log.sink(line);
      },
    });
    const registry = stack.use(
      new Registry<OwnedCapability>({
        now,
        setTimer: (callback, ms) => {
          const timer = clock.after(ms, callback);
          timer.unref();
          return () => timer.cancel();
        },
        onChange: (after, before) => logChange(log, after, before),
      }),
    );
    const runtimes = new Runtimes(now);
    const handlers = createHandlers({
      registry,
      runtimes,
      logs,
      log: log.component("control"),
      now,
      dup: (endpoint: OwnedCapability) => endpoint.dup(),
    });
    const isPassed = isActivated(native, options.service);
    const relay = stack.use(
      await Relay.start({
        native,
        service: options.service,
        handlers,
        log: log.component("xpc"),
        peerLost: (peer) => {
          registry.peerLost(peer);
          runtimes.peerLost(peer);
        },
      }),
    );
    let carrier: GrpcCarrier | undefined;
    if (options.grpc !== undefined) {
      // Only now: grpc-js and protobufjs cost 100 ms and read the environment.
      const { GrpcCarrier } = await import("./grpc/grpc_carrier.ts");
      carrier = stack.use(
        await GrpcCarrier.start({
          native,
          service: options.service,
          address: options.grpc,
          handlers,
          log: log.component("grpc"),
        }),
      );
    }
    log.info("serving", {
      service: options.service,
      grpc: carrier?.address,
      xpc_socket: isPassed ? "passed" : "own",
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
   * Whom and what it has at this moment.
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
   * Resolves once it has nothing to do any more, by `limits`; never without
   * them. Dispose it then before anything else happens: nobody is connected at
   * that moment, and who connects to sockets that a service manager has passed
   * waits there for the next broker.
   *
   * @param signal ends the looking: it resolves then, too
   * @internal
   */
  async unused(
    limits: IdlenessLimits,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<void> {
    const { log, isRestarted } = this.#parts;
    const { sessions, ...others } = limits;
    if (sessions !== undefined && !isRestarted) {
      log.warn("will not be recycled: no service manager would start the next");
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

  /** Stops serving. Channels that are open go on without it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** What a broker looks at when it is asked how it is. */
interface Parts {
  readonly registry: Registry<OwnedCapability>;
  readonly runtimes: Runtimes;
  readonly relay: Relay;
  readonly carrier: GrpcCarrier | undefined;
  readonly log: Log;
  /** Whether a service manager holds its sockets, and starts the next broker. */
  readonly isRestarted: boolean;
}

function logChange(
  log: Log,
  after: ConnectionRecord,
  before: ConnectionRecord | undefined,
): void {
  const state = derivedState(after);
  if (before && derivedState(before) === state) return;
  log.info(state, {
    connection_id: after.id,
    runtime_id: after.runtimeId,
    processor_id: after.processorId,
    reason: after.failureReason || undefined,
  });
}
