/**
 * A stream for grpc-js over a connection whose first bytes were already read.
 * Deno's HTTP/2 reads a socket's handle directly, so it would not see bytes that
 * were put back with `unshift`.
 *
 * @module
 */

import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Timer, TimerClock } from "../../ffi/clock.ts";
import { STALL_MS } from "../../proto/limits.ts";
import { FrameBudget } from "./frame_budget.ts";
import type { GrpcSession } from "./grpc_session.ts";

type Done = (error?: Error | null) => void;

/**
 * Reads and writes a connection, which it owns: destroying the stream closes the
 * connection. It ends the session of a peer that floods it with frames or does not
 * read.
 */
export class ConnStream extends Duplex {
  /** grpc-js passes it to the handlers as the peer of a call: it names the connection. */
  readonly remoteAddress: string;
  readonly session: GrpcSession;
  readonly #socket: Socket;
  readonly #clock: TimerClock;
  readonly #frames: FrameBudget;
  #stalled: Timer | undefined;

  /** @param socket the paused connection, which the stream takes
   * @param first the bytes that were already read
   * @param name names the connection
   * @param session charged for what its peer does */
  constructor(
    socket: Socket,
    first: Uint8Array,
    name: string,
    session: GrpcSession,
    clock: TimerClock,
  ) {
    // Not half-open: when the peer has ended its side, the connection is closed.
    super({ allowHalfOpen: false });
    this.#socket = socket;
    this.#clock = clock;
    this.remoteAddress = name;
    this.session = session;
    session.hasBacklog = () => this.writableLength > 0;
    this.#frames = new FrameBudget(clock.now());
    this.#take(first);
    socket.on("data", (chunk: Uint8Array) => this.#take(chunk));
    socket.on("end", () => this.push(null));
    socket.on("error", (error: Error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  #take(chunk: Uint8Array): void {
    if (!this.#frames.read(chunk, this.#clock.now())) {
      return this.session.end("it sends control frames without calls");
    }
    if (!this.push(chunk)) this.#socket.pause();
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: Done): void {
    this.#stalled = this.#clock.after(
      STALL_MS,
      () => this.session.end(`it has read nothing for ${STALL_MS} ms`),
    );
    this.#stalled.unref();
    this.#socket.write(chunk, (error) => {
      this.#stalled?.cancel();
      this.#frames.sent(chunk.length);
      done(error);
      if (this.writableLength === 0) this.session.drained();
    });
  }

  override _final(done: Done): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#stalled?.cancel();
    this.session.closed();
    this.#socket.destroy();
    done(error);
  }
}
