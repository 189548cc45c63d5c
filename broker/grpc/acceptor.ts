/**
 * The broker's own accept loop. The one of grpc-js, like every Node server in
 * Deno, stops accepting for ever after the process has once run out of file
 * descriptors. This one waits and accepts again.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { pause, type TimerClock } from "../../ffi/clock.ts";
import type { AcceptedStream } from "../../ffi/stream_listener.ts";
import { BridgeError, describeError } from "../../proto/errors.ts";
import type { Log } from "../log/log.ts";
import { Guests } from "../registry/guests.ts";
import type { Incidents } from "../registry/incidents.ts";
import type { IdentifyProcess } from "../registry/process.ts";
import type { Quotas } from "../registry/quotas.ts";
import { ConnStream } from "./conn_stream.ts";
import { goAway } from "./http2_goaway.ts";
import { judgePreface } from "./http2_preface.ts";
import { GrpcSession } from "./grpc_session.ts";
import { SessionRate } from "./session_rate.ts";

/** So many connections are accepted before other events get their turn. */
const ACCEPTS_AT_ONCE = 16;
/** The time limit for a peer's first bytes. */
const PREFACE_TIMEOUT_MS = 5_000;
/** The pause after a failed accept doubles each time, from the first value to the last. */
const FIRST_PAUSE_MS = 10;
const LAST_PAUSE_MS = 1_000;

/** A listener. `accept` throws BridgeError `closed` after it was closed. */
export interface StreamSource {
  /** Resolves with the next connection, whose socket the caller owns. */
  accept(): Promise<AcceptedStream>;
}

/** The options of an {@link Acceptor}. */
export interface AcceptorOptions {
  /** Takes a connection whose peer has sent an HTTP/2 preface. */
  onConnection: (stream: ConnStream) => void;
  /** Gets one record each time that accepting begins to fail or works again, and those of incidents. */
  log: Log;
  /** `sessions` and `answers` are charged. */
  quotas: Quotas;
  incidents: Incidents;
  /** Tells which process has an id. */
  identify: IdentifyProcess;
  /** The clock. */
  clock: TimerClock;
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
  readonly #guests: Guests;
  readonly #rate = new SessionRate();
  /** A function for each open connection that closes it. */
  readonly #open = new Set<() => void>();
  readonly #stop = new AbortController();
  #sessions = 0;

  /** Starts to accept. */
  constructor(listener: StreamSource, options: AcceptorOptions) {
    this.#listener = listener;
    this.#options = options;
    const { quotas, incidents, log, clock } = options;
    this.#guests = new Guests({
      shares: quotas.sessions,
      incidents,
      log,
      now: () => clock.now(),
    });
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
    const { log, clock } = this.#options;
    let pauseMs = 0;
    let failures = 0;
    let isReported = false;
    for (let accepted = 1; !this.#stop.signal.aborted; accepted++) {
      // A queue of connections is accepted without a wait: refused ones would not be closed.
      if (accepted % ACCEPTS_AT_ONCE === 0) {
        await pause(clock, 0, this.#stop.signal);
      }
      try {
        this.#admit(await this.#listener.accept());
        if (isReported) log.info("accepting again");
        isReported = false;
        pauseMs = 0;
      } catch (error) {
        const closed = error instanceof BridgeError && error.code === "closed";
        if (closed) return; // its owner closed it
        // Of the failures after a success the 1st, 2nd, 4th, 8th … is reported.
        if (pauseMs === 0 && Number.isInteger(Math.log2(++failures))) {
          isReported = true;
          log.error("cannot accept, will try again", {
            error: describeError(error),
            count: failures,
          });
        }
        // For lack of descriptors, for example: silent connections make room.
        this.#guests.dismissHalf();
        pauseMs = Math.min(pauseMs * 2 || FIRST_PAUSE_MS, LAST_PAUSE_MS);
        await pause(clock, pauseMs, this.#stop.signal);
      }
    }
  }

  #admit({ socket, pid }: AcceptedStream): void {
    const { quotas, incidents, identify, log, clock } = this.#options;
    const end = (): void => void socket.destroy();
    socket.on("error", end); // the peer has gone: nothing to report
    if (this.#stop.signal.aborted) return end();
    const process = pid === undefined ? undefined : identify(pid);
    const tooOften = this.#rate.refusal(process, clock.now());
    if (tooOften !== undefined) {
      const text = `Cannot connect: ${tooOften}`;
      incidents.note("refused", log, text, process);
      return turnAway(socket, text);
    }
    const guest = this.#guests.admit(process, end);
    if (typeof guest === "string") return turnAway(socket, guest);
    const session = new GrpcSession({
      guest,
      answers: quotas.answers,
      incidents,
      log,
      clock,
      close: end,
    });
    this.#open.add(end);
    socket.once("close", () => {
      this.#open.delete(end);
      session.closed();
    });
    void this.#greet(socket, session);
  }

  /** Passes a connection on after its HTTP/2 preface, or closes it if there is none. */
  async #greet(socket: Socket, session: GrpcSession): Promise<void> {
    const { clock, prefaceTimeoutMs, onConnection } = this.#options;
    const timer = clock.after(
      prefaceTimeoutMs ?? PREFACE_TIMEOUT_MS,
      () => socket.destroy(),
    );
    const first = await readPreface(socket);
    timer.cancel();
    if (first === undefined) return void socket.destroy();
    const name = `connection ${++this.#sessions}`;
    const stream = new ConnStream(socket, first, name, session, clock);
    stream.on("error", () => socket.destroy());
    onConnection(stream);
  }
}

/** Closes a connection with the reason. */
function turnAway(socket: Socket, reason: string): void {
  socket.end(goAway(reason));
  socket.destroySoon();
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
