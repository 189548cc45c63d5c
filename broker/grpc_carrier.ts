/**
 * The gRPC carrier: the handlers on a Unix socket. Puts the socket, the accept
 * loop and the server together.
 *
 * Loads grpc-js and protobufjs, some 100 ms and 40 MB, and reads GRPC_*
 * variables while it does: import it dynamically, where gRPC is served.
 *
 * @module
 */

import { BridgeError } from "../proto/errors.ts";
import { Acceptor } from "./acceptor.ts";
import { formatAddress, parseAddress } from "./address.ts";
import { type GrpcHandlers, GrpcServer } from "./grpc_server.ts";
import type { Log } from "./log.ts";
import { PrivateSocket } from "./private_socket.ts";

/** What a {@link GrpcCarrier} serves, and where. */
export interface GrpcCarrierOptions {
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

/** A control plane that is being served. Disposing it ends it and removes its socket. */
export class GrpcCarrier implements AsyncDisposable {
  /** Where, as a gRPC client takes it. */
  readonly address: string;
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
   * await using carrier = await GrpcCarrier.start({ address, handlers, log });
   * ```
   */
  static async start(options: GrpcCarrierOptions): Promise<GrpcCarrier> {
    const { handlers, log, ...limits } = options;
    const address = parseAddress(options.address);
    if (address.transport !== "unix") {
      throw new BridgeError(
        "bad_argument",
        `Cannot serve ${options.address}: a port is open to every local user and every web page; use unix:/absolute/path`,
      );
    }
    await using held = new AsyncDisposableStack();
    const socket = held.use(await PrivateSocket.bind(address.path));
    const server = new GrpcServer(handlers, log);
    const acceptor = held.use(
      new Acceptor(socket, {
        ...limits,
        log,
        onConnection: (stream) => server.injectConnection(stream),
      }),
    );
    // Last in, first out: calls end while their connections still stand.
    held.use(server);
    return new GrpcCarrier(formatAddress(address), acceptor, held.move());
  }

  private constructor(
    address: string,
    acceptor: Acceptor,
    resources: AsyncDisposableStack,
  ) {
    this.address = address;
    this.#acceptor = acceptor;
    this.#resources = resources;
  }

  /** Connections that are open now. */
  get connectionCount(): number {
    return this.#acceptor.connectionCount;
  }

  /** Ends calls and connections, and removes the socket. Takes a second at most. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}
