/**
 * A connection of which something was read already, as the stream that grpc-js
 * takes: Deno's HTTP/2 reads a socket's handle by itself, and would never see
 * what was put back.
 *
 * @module
 */

import type { Socket } from "node:net";
import { Duplex } from "node:stream";

type Done = (error?: Error | null) => void;

/** Reads and writes a connection, which it owns: destroying the stream closes it. */
export class ConnStream extends Duplex {
  readonly #socket: Socket;

  /** @param socket the connection, paused; taken
   * @param first what was read from it before, given out first */
  constructor(socket: Socket, first: Uint8Array) {
    // Not half open: a peer that has ended gets no more answers, and is let go.
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
