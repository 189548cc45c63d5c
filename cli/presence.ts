/**
 * Tells the user when the broker goes away or comes back while a command runs.
 *
 * @module
 */

import { isBrokerGone } from "../proto/wire/control.ts";
import type { Session } from "./session.ts";

/** Reports once that the broker has gone, and once that it is back. */
export class Presence {
  readonly #session: Pick<Session, "address" | "checkLoss">;
  readonly #say: (words: string) => void;
  #gone = false;

  /** @param session the session with the broker
   * @param say shows a message to the user */
  constructor(
    session: Pick<Session, "address" | "checkLoss">,
    say: (words: string) => void,
  ) {
    this.#session = session;
    this.#say = say;
  }

  /** The broker has answered. */
  answered(): void {
    if (!this.#gone) return;
    this.#gone = false;
    this.#say(`The broker at ${this.#session.address} is back.`);
  }

  /** A call has failed. Throws `error` again unless it means that the broker has gone, and another error if it cannot come back. */
  failed(error: unknown): void {
    if (!isBrokerGone(error)) throw error;
    this.#session.checkLoss();
    this.lost();
  }

  /** The broker has gone. */
  lost(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#say(
      `The broker at ${this.#session.address} has gone; waiting for it, press Ctrl-C to end.`,
    );
  }
}
