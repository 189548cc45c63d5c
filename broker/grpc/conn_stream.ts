/**
 * A stream for grpc-js over a connection whose first bytes were already read.
 * Deno's HTTP/2 reads a socket's handle directly, so it would not see bytes that
 * were put back with `unshift`.
 *
 * @module
 */

import type { Socket } from "node:net";
import { Duplex } from "node:stream";

type Done = (error?: Error | null) => void;

/** Reads and writes a connection, which it owns: destroying the stream closes the connection. */
export class ConnStream extends Duplex {
  readonly #socket: Socket;

  /** @param socket the paused connection, which the stream takes
   * @param first the bytes that were already read */
  constructor(socket: Socket, first: Uint8Array) {
    // Not half-open: when the peer has ended its side, the connection is closed.
    super({ allowHalfOpen: false });
    this.#socket = socket;
    this.push(first);
    socket.on("data", (chunk: Uint8Array) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (error: Error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, done: Done): void {
    this.#socket.write(chunk, (error) => done(error));
  }

  override _final(done: Done): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#socket.destroy();
    done(error);
  }
}
