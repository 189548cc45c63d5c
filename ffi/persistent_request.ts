/**
 * Repeats one request to a broker until it is answered: performs the effects of
 * the state machine in `proto/states/retry.ts` with a clock.
 *
 * @module
 */

import type { BridgeError } from "../proto/errors.ts";
import {
  newRetry,
  type RetryEffect,
  type RetryEvent,
  type RetryRules,
  type RetryState,
  retryStep,
} from "../proto/states/retry.ts";
import { isBrokerGone } from "../proto/wire/control.ts";
import { pause, type TimerClock } from "./clock.ts";

/** Returned by an attempt if the broker does not know the connection. */
export class UnknownConnection {
  /** @param error what is thrown when the attempts end */
  constructor(readonly error: BridgeError) {}
}

/** How a request is repeated, and what its owner is told. */
export interface PersistentRequestOptions extends RetryRules {
  /** The clock's time after which a failed attempt is the last. No deadline if absent. */
  readonly deadline?: number;
  /** Returns the error to throw if the process that needs the answer is gone. Called after each failed attempt, with its error. */
  orphanError?(last: BridgeError): BridgeError | undefined;
  /** Called before a pause, with the reason, unless the attempt before failed for the same reason. */
  retrying?(reason: string): void;
}

/** One request, which may be asked again after its answer, but not twice at a time. */
export class PersistentRequest {
  readonly #clock: TimerClock;
  readonly #options: PersistentRequestOptions;
  #state: RetryState;
  #trouble = "";

  /** Sends nothing until {@link ask}. */
  constructor(clock: TimerClock, options: PersistentRequestOptions) {
    this.#clock = clock;
    this.#options = options;
    this.#state = newRetry(options, options.deadline);
  }

  /** Whether it is being asked now. */
  get isAsking(): boolean {
    const { phase } = this.#state;
    return phase === "asking" || phase === "outdated" || phase === "pausing";
  }

  /** Why it is being asked again; "" if the last attempt was answered. */
  get trouble(): string {
    return this.#trouble;
  }

  /** Reports that the broker is gone: an answer of the attempt that is under way does not count, the next broker is asked. */
  lost(): void {
    this.#apply({ type: "lost" });
  }

  /** Sets a new deadline, in the clock's time. */
  extend(deadline: number): void {
    this.#apply({ type: "extended", deadline });
  }

  /**
   * Calls `attempt` until it returns an answer that counts, and returns that
   * answer. Throws the last error if there is no hope of an answer, any other
   * error of `attempt` at once, and the signal's reason once it has aborted.
   * Call it only while {@link isAsking} is false.
   */
  async ask<T>(
    attempt: () => Promise<T | UnknownConnection>,
    signal: AbortSignal,
  ): Promise<T> {
    signal.throwIfAborted();
    if (!this.#apply({ type: "ask" })) {
      throw new Error("Cannot ask: the request is being asked already");
    }
    while (true) {
      if (signal.aborted) {
        this.#apply({ type: "stop" });
        throw signal.reason;
      }
      const result = await this.#attempt(attempt);
      const effect = this.#apply(result.event);
      switch (effect?.type) {
        case "done":
          return result.answer!;
        case "fail":
          throw effect.orphaned ? result.orphanError : result.error;
        case "pause":
          this.#tell((result.error as BridgeError).message);
          await pause(this.#clock, effect.ms, signal);
          this.#apply({ type: "paused" });
      }
    }
  }

  async #attempt<T>(
    attempt: () => Promise<T | UnknownConnection>,
  ): Promise<AttemptResult<T>> {
    try {
      const answer = await attempt();
      if (answer instanceof UnknownConnection) {
        return this.#retryable("unknown", answer.error);
      }
      this.#trouble = "";
      return { event: { type: "answered" }, answer };
    } catch (error) {
      return isBrokerGone(error)
        ? this.#retryable("unavailable", error as BridgeError)
        : { event: { type: "refused" }, error };
    }
  }

  #retryable(
    type: "unavailable" | "unknown",
    error: BridgeError,
  ): AttemptResult<never> {
    const orphanError = this.#options.orphanError?.(error);
    const now = this.#clock.now();
    return {
      event: { type, now, orphaned: orphanError !== undefined },
      error,
      orphanError,
    };
  }

  #tell(reason: string): void {
    if (reason === this.#trouble) return;
    this.#trouble = reason;
    this.#options.retrying?.(reason);
  }

  #apply(event: RetryEvent): RetryEffect | undefined {
    const { state, effect } = retryStep(this.#state, event, this.#options);
    this.#state = state;
    return effect;
  }
}

interface AttemptResult<T> {
  readonly event: RetryEvent;
  readonly answer?: T;
  readonly error?: unknown;
  readonly orphanError?: BridgeError | undefined;
}
