/**
 * The gRPC carrier: the handlers on a Unix socket. Puts the socket, the accept
 * loop and the server together.
 *
 * Loads grpc-js and protobufjs, some 100 ms and 40 MB, and reads GRPC_*
 * variables while it does: import it dynamically, where gRPC is served.
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

/** What a {@link GrpcCarrier} serves, and where. */
export interface GrpcCarrierOptions {
  /** The shim; the caller's, and open as long as what is served. */
  readonly native: Native;
  /** The service; a socket that a service manager has passed for it is used in place of the address. */
  readonly service: string;
  /** `unix:/absolute/path`. */
  readonly address: string;
  /** The calls. One that is missing answers UNIMPLEMENTED. */
  readonly handlers: GrpcHandlers;
  /** Where refused connections and faults of handlers are noted. */
  readonly log: Log;
  /** Connections at one time; one more is closed at once. 256 by default. */
  readonly maxConnections?: number;
  /** Milliseconds for a peer's first bytes, after which it is dropped. 5000 by default. */
  readonly prefaceTimeoutMs?: number;
}

/** A control plane that is being served. Disposing it ends it and removes its socket, unless that was passed. */
export class GrpcCarrier implements AsyncDisposable {
  /** Where, as a gRPC client takes it. */
  readonly address: string;
  /** Whether a service manager has passed the socket. */
  readonly isInherited: boolean;
  readonly #listener: StreamListener;
  readonly #acceptor: Acceptor;
  readonly #resources: AsyncDisposableStack;

  /**
   * Starts to serve.
   *
   * Throws BridgeError: `name_in_use` when another broker serves there,
   * `bad_argument` when the address is not one of a Unix socket,
   * `not_permitted` when its directory is open to others.
   *
   * ```ts ignore
   * const { GrpcCarrier } = await import("./grpc_carrier.ts");
   * await using carrier = await GrpcCarrier.start({ native, service, address, handlers, log });
   * ```
   */
  static async start(options: GrpcCarrierOptions): Promise<GrpcCarrier> {
    const { handlers, log, maxConnections, prefaceTimeoutMs } = options;
    await using held = new AsyncDisposableStack();
    const listener = held.use(listen(options));
    const server = new GrpcServer(handlers, log);
    const acceptor = held.use(
      new Acceptor(listener, {
        log,
        onConnection: (stream) => server.injectConnection(stream),
        ...(maxConnections !== undefined && { maxConnections }),
        ...(prefaceTimeoutMs !== undefined && { prefaceTimeoutMs }),
      }),
    );
    // Last in, first out: calls end while their connections still stand.
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

  /** Connections that are open now. */
  get connectionCount(): number {
    return this.#acceptor.connectionCount;
  }

  /** Connections that were handed on to the server since the start: each has cost an HTTP/2 session. */
  get sessionCount(): number {
    return this.#acceptor.sessionCount;
  }

  /**
   * Ends calls and connections, and removes the socket. Takes a second at most.
   * Who connects meanwhile to a socket that was passed waits for the next
   * broker; one of our own is held until the last call has ended.
   */
  [Symbol.asyncDispose](): Promise<void> {
    if (this.isInherited) this.#listener[Symbol.dispose]();
    return this.#resources.disposeAsync();
  }
}

/** The socket that was passed, or else a new one. */
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
