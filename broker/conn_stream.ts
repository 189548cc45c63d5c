/**
 * A connection of Deno's as a stream of Node's, which is what grpc-js takes.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";

/**
 * While nothing comes, a read is pending into a buffer of this size: small,
 * since there is one for every idle connection.
 */
const READ_BYTES = 4096;

type Done = (error?: Error | null) => void;

/** Reads and writes a connection, which it owns: destroying the stream closes it. */
export class ConnStream extends Duplex {
  readonly #conn: Deno.Conn;
  readonly #buffer = new Uint8Array(READ_BYTES);
  #first: Uint8Array | undefined;

  /** @param conn the connection; taken
   * @param first what was read from it before, given out first */
  constructor(conn: Deno.Conn, first?: Uint8Array) {
    // Not half open: a peer that has ended gets no more answers, and is let go.
    super({ allowHalfOpen: false });
    this.#conn = conn;
    this.#first = first;
  }

  override _read(): void {
    if (this.#first !== undefined) {
      const first = this.#first;
      this.#first = undefined;
      this.push(Buffer.from(first));
      return;
    }
    this.#conn.read(this.#buffer).then(
      (count) =>
        this.push(
          // A copy: the next read reuses the buffer.
          count === null ? null : Buffer.from(this.#buffer.subarray(0, count)),
        ),
      (error) => this.destroy(error),
    );
  }

  override _write(chunk: Uint8Array, _encoding: string, done: Done): void {
    this.#writeAll(chunk).then(() => done(), done);
  }

  override _final(done: Done): void {
    (this.#conn as Deno.UnixConn).closeWrite().then(
      () => done(),
      () => done(), // the peer has gone: there is no one to tell
    );
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#conn.close();
    done(error);
  }

  async #writeAll(chunk: Uint8Array): Promise<void> {
    for (let written = 0; written < chunk.length;) {
      written += await this.#conn.write(chunk.subarray(written));
    }
  }
}
