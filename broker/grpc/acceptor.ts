/**
 * The broker's own accept loop. That of grpc-js, like every server of Node's in
 * Deno, never accepts again after the process has once run out of descriptors;
 * this one waits and goes on.
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

/** Connections at one time. */
const MAX_CONNECTIONS = 256;
/** Time for a peer's first bytes. */
const PREFACE_TIMEOUT_MS = 5_000;
/** Pause after a failed accept: doubled each time, from the first to the last. */
const FIRST_PAUSE_MS = 10;
const LAST_PAUSE_MS = 1_000;

/** Where connections come from. Throws BridgeError `closed` when it is closed. */
export interface StreamSource {
  /** The next connection, the caller's own. */
  accept(): Promise<Socket>;
}

/** What an {@link Acceptor} does with what comes. */
export interface AcceptorOptions {
  /** Takes a peer that has begun to speak HTTP/2. */
  onConnection: (stream: Duplex) => void;
  /** Where it is noted, once each time, that accepting fails, is refused, or works again. */
  log: Log;
  /** Connections at one time; one more is closed at once. 256 by default. */
  maxConnections?: number;
  /** Milliseconds for a peer's HTTP/2 preface, after which it is dropped. 5000 by default. */
  prefaceTimeoutMs?: number;
}

/**
 * Accepts connections until it is disposed, which also ends those that are
 * open. The listener stays its owner's, who closes it after that.
 */
export class Acceptor implements Disposable {
  readonly #listener: StreamSource;
  readonly #options: AcceptorOptions;
  readonly #maxConnections: number;
  /** Every open connection, with what ends it. */
  readonly #open = new Set<() => void>();
  readonly #stop = new AbortController();
  #full = false;
  #sessions = 0;

  /** Starts at once. */
  constructor(listener: StreamSource, options: AcceptorOptions) {
    this.#listener = listener;
    this.#options = options;
    this.#maxConnections = options.maxConnections ?? MAX_CONNECTIONS;
    void this.#accept();
  }

  /** How many connections are open now. */
  get connectionCount(): number {
    return this.#open.size;
  }

  /** How many connections were handed on since the start. */
  get sessionCount(): number {
    return this.#sessions;
  }

  /** Stops accepting, and ends what is open. */
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
        if (closed) return; // by its owner
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

  /** Hands a connection on once it speaks HTTP/2, and drops it where it does not. */
  async #greet(socket: Socket): Promise<void> {
    const end = (): void => void socket.destroy();
    this.#open.add(end);
    socket.once("close", () => this.#open.delete(end));
    socket.on("error", end); // a peer that is gone is no news
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

/** The first bytes of a peer that speaks HTTP/2, or `undefined`. The socket is paused then. */
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

/** Waits, or less where `signal` aborts. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return delay(ms, undefined, { signal }).catch(() => {});
}
