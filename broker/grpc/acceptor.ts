/**
 * The broker's own accept loop. The one of grpc-js, like every Node server in
 * Deno, stops accepting for ever after the process has once run out of file
 * descriptors. This one waits and accepts again.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { BridgeError, describeError } from "../../proto/errors.ts";
import { ConnStream } from "./conn_stream.ts";
import { judgePreface } from "./http2_preface.ts";
import type { Log } from "../log/log.ts";

/** The limit of open connections. */
const MAX_CONNECTIONS = 256;
/** The time limit for a peer's first bytes. */
const PREFACE_TIMEOUT_MS = 5_000;
/** The pause after a failed accept doubles each time, from the first value to the last. */
const FIRST_PAUSE_MS = 10;
const LAST_PAUSE_MS = 1_000;

/** A listener. `accept` throws BridgeError `closed` after it was closed. */
export interface StreamSource {
  /** Resolves with the next connection, which the caller owns. */
  accept(): Promise<Socket>;
}

/** The options of an {@link Acceptor}. */
export interface AcceptorOptions {
  /** Takes a connection whose peer has sent an HTTP/2 preface. */
  onConnection: (stream: Duplex) => void;
  /** Gets one record each time that accepting begins to fail, works again, or begins to be refused. */
  log: Log;
  /** The limit of open connections, 256 by default. Further connections are closed at once. */
  maxConnections?: number;
  /** The time limit for a peer's HTTP/2 preface in milliseconds, 5000 by default. */
  prefaceTimeoutMs?: number;
}

/**
 * Accepts connections until it is disposed, which also closes the open ones. It
 * borrows the listener, whose owner closes it later.
 */
export class Acceptor implements Disposable {
  readonly #listener: StreamSource;
  readonly #options: AcceptorOptions;
  readonly #maxConnections: number;
  /** A function for each open connection that closes it. */
  readonly #open = new Set<() => void>();
  readonly #stop = new AbortController();
  #full = false;
  #sessions = 0;

  /** Starts to accept. */
  constructor(listener: StreamSource, options: AcceptorOptions) {
    this.#listener = listener;
    this.#options = options;
    this.#maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
    void this.#accept();
  }

  /** The number of open connections. */
  get connectionCount(): number {
    return this.#open.size;
  }

  /** The number of connections that were passed on since the start. */
  get sessionCount(): number {
    return this.#sessions;
  }

  /** Stops accepting, and closes the open connections. */
  [Symbol.dispose](): void {
    this.#stop.abort();
    for (const end of [...this.#open]) end();
  }

  async #accept(): Promise<void> {
    let pauseMs = 0;
    while (!this.#stop.signal.aborted) {
      try {
        this.#admit(await this.#listener.accept());
        if (pauseMs > 0) this.#options.log.info("accepting again");
        pauseMs = 0;
      } catch (error) {
        const closed = error instanceof BridgeError && error.code === "closed";
        if (closed) return; // its owner closed it
        if (pauseMs === 0) {
          this.#options.log.error("cannot accept, will try again", {
            error: describeError(error),
          });
        }
        pauseMs = Math.min(pauseMs * 2 || FIRST_PAUSE_MS, LAST_PAUSE_MS);
        await pause(pauseMs, this.#stop.signal);
      }
    }
  }

  #admit(socket: Socket): void {
    const full = this.#open.size >= this.#maxConnections;
    if (full || this.#stop.signal.aborted) {
      socket.destroy();
      if (full && !this.#full) {
        this.#options.log.warn("refused a connection", {
          open: this.#open.size,
        });
      }
      this.#full = full;
      return;
    }
    this.#full = false;
    void this.#greet(socket);
  }

  /** Passes a connection on after its HTTP/2 preface, or closes it if there is none. */
  async #greet(socket: Socket): Promise<void> {
    const end = (): void => void socket.destroy();
    this.#open.add(end);
    socket.once("close", () => this.#open.delete(end));
    socket.on("error", end); // the peer has gone: nothing to report
    const timeout = setTimeout(
      end,
      this.#options.prefaceTimeoutMs ?? PREFACE_TIMEOUT_MS,
    );
    const first = await readPreface(socket);
    clearTimeout(timeout);
    if (first === undefined) return end();
    const stream = new ConnStream(socket, first);
    stream.on("error", end);
    this.#sessions++;
    this.#options.onConnection(stream);
  }
}

/** Reads the first bytes of a peer, then pauses the socket. Resolves with `undefined` if they are no HTTP/2 preface. */
function readPreface(socket: Socket): Promise<Uint8Array | undefined> {
  const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
  let first = new Uint8Array(0);
  const onData = (chunk: Uint8Array): void => {
    first = Buffer.concat([first, chunk]);
    const verdict = judgePreface(first);
    if (verdict !== "more") settle(verdict === "http2" ? first : undefined);
  };
  const onEnd = (): void => settle(undefined);
  const settle = (found: Uint8Array | undefined): void => {
    socket.pause();
    socket.off("data", onData).off("end", onEnd).off("close", onEnd);
    resolve(found);
  };
  socket.on("data", onData).once("end", onEnd).once("close", onEnd);
  return promise;
}

/** Resolves after `ms`, or earlier if `signal` aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return delay(ms, undefined, { signal }).catch(() => {});
}
