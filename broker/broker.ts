/**
 * A broker: the registry, its handlers, and their carriers, put together.
 * It runs alone (`deno task broker`) or embedded in a host's process.
 *
 * @module
 */

import type { OwnedCapability } from "../ffi/capability.ts";
import { Native } from "../ffi/native.ts";
import { type Connection, derivedState } from "../proto/connection.ts";
import { createHandlers } from "./handlers.ts";
import { Log, type LogOptions } from "./log.ts";
import { LogRing } from "./log_ring.ts";
import { Registry } from "./registry.ts";
import { Relay } from "./relay.ts";
import { Runtimes } from "./runtimes.ts";

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
    stack.use(
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
    if (options.grpc !== undefined) {
      // Only now: grpc-js and protobufjs cost 100 ms and read the environment.
      const { GrpcCarrier } = await import("./grpc_carrier.ts");
      stack.use(
        await GrpcCarrier.start({
          address: options.grpc,
          handlers,
          log: log.component("grpc"),
        }),
      );
    }
    log.info("serving", { service: options.service, grpc: options.grpc });
    return new Broker(options, stack.move());
  }

  private constructor(options: BrokerOptions, stack: AsyncDisposableStack) {
    this.service = options.service;
    this.grpc = options.grpc;
    this.#stack = stack;
  }

  /** Stops serving. Channels that are open go on without it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

function logChange(
  log: Log,
  after: Connection,
  before: Connection | undefined,
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
