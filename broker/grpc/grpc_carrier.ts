/**
 * The gRPC carrier: serves the handlers on a Unix socket. Puts the socket, the
 * accept loop and the server together.
 *
 * `broker/grpc_loader.ts` imports it, only if gRPC is served: it loads grpc-js and
 * protobufjs, which takes 100 ms and 40 MB and reads GRPC_* variables.
 *
 * @module
 */

import type { Native } from "../../ffi/native.ts";
import { StreamListener } from "../../ffi/stream_listener.ts";
import { BridgeError } from "../../proto/errors.ts";
import { Acceptor } from "./acceptor.ts";
import { formatAddress, parseAddress } from "../address.ts";
import { type GrpcHandlers, GrpcServer } from "./grpc_server.ts";
import type { Log } from "../log/log.ts";
import type { GrpcService } from "../grpc_loader.ts";
import { Incidents } from "../registry/incidents.ts";
import { identifyBy, type IdentifyProcess } from "../registry/process.ts";
import { createQuotas, type Quotas } from "../registry/quotas.ts";

/** The options of a {@link GrpcCarrier}. */
export interface GrpcCarrierOptions {
  /** The shim, borrowed: it must stay open as long as the carrier. */
  readonly native: Native;
  /** The service name. If a service manager has passed a socket for it, that is used instead of the address. */
  readonly service: string;
  /** `unix:/absolute/path`. */
  readonly address: string;
  /** The handlers. A call without one gets UNIMPLEMENTED. */
  readonly handlers: GrpcHandlers;
  /** Gets records of refused connections and of failed handlers. */
  readonly log: Log;
  /** `sessions` and `answers` are charged. Those of `proto/limits.ts` by default. */
  readonly quotas?: Quotas;
  /** Tells which process has an id. */
  readonly identify?: IdentifyProcess;
  /** Counts what is refused and ended. */
  readonly incidents?: Incidents;
  /** The time limit for a peer's HTTP/2 preface in milliseconds, 5000 by default. */
  readonly prefaceTimeoutMs?: number;
}

/** A running gRPC carrier. Disposing it ends it and removes its socket, unless the socket was passed. */
export class GrpcCarrier implements GrpcService {
  /** The address for a gRPC client. */
  readonly address: string;
  /** Whether a service manager passed the socket. */
  readonly isInherited: boolean;
  readonly #listener: StreamListener;
  readonly #acceptor: Acceptor;
  readonly #resources: AsyncDisposableStack;

  /**
   * Starts to serve.
   *
   * Throws BridgeError `name_in_use` if another broker serves the address,
   * `bad_argument` if it is not the address of a Unix socket, `not_permitted` if
   * other users can use its directory.
   *
   * ```ts ignore
   * const { GrpcCarrier } = await import("./grpc_carrier.ts");
   * await using carrier = await GrpcCarrier.start({ native, service, address, handlers, log });
   * ```
   */
  static async start(options: GrpcCarrierOptions): Promise<GrpcCarrier> {
    const { native, handlers, log, prefaceTimeoutMs } = options;
    await using held = new AsyncDisposableStack();
    const listener = held.use(listen(options));
    const { incidents = new Incidents() } = options;
    const server = new GrpcServer(handlers, log, native.clock, incidents);
    const acceptor = held.use(
      new Acceptor(listener, {
        log,
        onConnection: (stream) => server.injectConnection(stream),
        quotas: options.quotas ?? createQuotas(),
        incidents,
        identify: options.identify ??
          identifyBy((pid) => native.processStarted(pid)),
        clock: native.clock,
        ...(prefaceTimeoutMs !== undefined && { prefaceTimeoutMs }),
      }),
    );
    // Disposed first, so that calls end before their connections.
    held.use(server);
    return new GrpcCarrier(listener, acceptor, held.move());
  }

  private constructor(
    listener: StreamListener,
    acceptor: Acceptor,
    resources: AsyncDisposableStack,
  ) {
    this.address = formatAddress({ transport: "unix", path: listener.path });
    this.isInherited = listener.isInherited;
    this.#listener = listener;
    this.#acceptor = acceptor;
    this.#resources = resources;
  }

  /** The number of open connections. */
  get connectionCount(): number {
    return this.#acceptor.connectionCount;
  }

  /** The number of connections since the start that had an HTTP/2 session. */
  get sessionCount(): number {
    return this.#acceptor.sessionCount;
  }

  /**
   * Ends calls and connections, and removes the socket, within about a second. A
   * passed socket is released first: a client that connects meanwhile is served by
   * the next broker. A socket of our own is kept until the last call has ended.
   */
  [Symbol.asyncDispose](): Promise<void> {
    if (this.isInherited) this.#listener[Symbol.dispose]();
    return this.#resources.disposeAsync();
  }
}

/** The socket that was passed, or a new one. */
function listen(
  { native, service, address, log }: GrpcCarrierOptions,
): StreamListener {
  const wanted = parseAddress(address);
  if (wanted.transport !== "unix") {
    throw new BridgeError(
      "bad_argument",
      `Cannot serve ${address}: a port is open to every local user and every web page; use unix:/absolute/path`,
    );
  }
  const inherited = StreamListener.inherited(native, service);
  if (inherited === undefined) return StreamListener.bind(native, wanted.path);
  if (inherited.path !== wanted.path) {
    log.warn("the service manager has passed a socket at another path", {
      wanted: wanted.path,
      passed: inherited.path,
    });
  }
  return inherited;
}
