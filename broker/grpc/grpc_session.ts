/**
 * One gRPC connection: its process, and the answers that its peer has not read.
 *
 * @module
 */

import type { TimerClock } from "../../ffi/clock.ts";
import { ANSWER_TIMEOUT_MS } from "../../proto/limits.ts";
import type { Log } from "../log/log.ts";
import type { Guest } from "../registry/guests.ts";
import type { Incidents } from "../registry/incidents.ts";
import type { ProcessIdentity } from "../registry/process.ts";
import type { Shares } from "../registry/shares.ts";

/** The dependencies of a {@link GrpcSession}. */
export interface GrpcSessionOptions {
  /** Its place among the open connections. */
  readonly guest: Guest;
  /** Charged for the bytes of unread answers. */
  readonly answers: Shares;
  readonly incidents: Incidents;
  readonly log: Log;
  readonly clock: TimerClock;
  /** Closes the connection. */
  close(): void;
}

/**
 * Charges answers to the process until its peer has read them. node:http2 reports
 * every write as done, even if the peer's window is full, so an answer counts until
 * its stream has closed and what was written since has left for the socket.
 */
export class GrpcSession {
  readonly #options: GrpcSessionOptions;
  /** Bytes of answers that have no closed stream yet, or are not on the socket yet. */
  #owed = 0;
  /** Of these, the bytes whose stream has closed. */
  #closed = 0;
  #ended = false;

  /** @param options the dependencies */
  constructor(options: GrpcSessionOptions) {
    this.#options = options;
  }

  /** The process of the peer. */
  get process(): ProcessIdentity | undefined {
    return this.#options.guest.process;
  }

  /** Whether bytes wait for the socket. */
  hasBacklog = (): boolean => false;

  /** Notes that it has made a call that was answered. */
  useful(): void {
    this.#options.guest.useful();
  }

  /**
   * Charges an answer of this many bytes. The session ends if its process has too
   * many that are not read, and, with `isWhole`, if this one is not read in time.
   *
   * @returns a function to call when the stream has closed
   */
  answer(bytes: number, isWhole: boolean): () => void {
    if (this.#ended) return () => {};
    const { answers, clock } = this.#options;
    const full = answers.refusal(this.process, bytes);
    if (full !== undefined && this.#owed > 0) {
      this.end(`it does not read its answers: ${full}`);
      return () => {};
    }
    answers.charge(this.process, bytes);
    this.#owed += bytes;
    const timer = isWhole
      ? clock.after(
        ANSWER_TIMEOUT_MS,
        () => this.end(`an answer was not read in ${ANSWER_TIMEOUT_MS} ms`),
      )
      : undefined;
    timer?.unref();
    return () => {
      timer?.cancel();
      if (this.#ended) return;
      this.#closed += bytes;
      if (!this.hasBacklog()) this.drained();
    };
  }

  /** Nothing waits for the socket: the answers with a closed stream were read, or are in the kernel's buffer. */
  drained(): void {
    // A write that was under way calls this once more after the end, when all was given back.
    if (this.#ended) return;
    this.#discharge(this.#closed);
    this.#closed = 0;
  }

  /** Ends the connection because of what its peer did, counted and logged. */
  end(why: string): void {
    if (this.#ended) return;
    const { incidents, log, close } = this.#options;
    incidents.note(
      "over_budget",
      log,
      `ended a connection: ${why}`,
      this.process,
    );
    this.closed();
    close();
  }

  /** The connection has closed. More than one call does no harm. */
  closed(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#discharge(this.#owed);
    this.#options.guest.leave();
  }

  #discharge(bytes: number): void {
    this.#owed -= bytes;
    if (bytes > 0) this.#options.answers.discharge(this.process, bytes);
  }
}
