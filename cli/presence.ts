/**
 * Tells the user when the broker goes away or comes back while a command runs.
 *
 * @module
 */

import { isBrokerGone } from "../proto/wire/control.ts";

/** Reports once that the broker has gone, and once that it is back. */
export class Presence {
  readonly #address: string;
  readonly #say: (words: string) => void;
  #gone = false;

  /** @param address the broker's address
   * @param say shows a message to the user */
  constructor(address: string, say: (words: string) => void) {
    this.#address = address;
    this.#say = say;
  }

  /** The broker has answered. */
  answered(): void {
    if (!this.#gone) return;
    this.#gone = false;
    this.#say(`The broker at ${this.#address} is back.`);
  }

  /** A call has failed. Throws `error` again unless it means that the broker has gone. */
  failed(error: unknown): void {
    if (!isBrokerGone(error)) throw error;
    this.lost();
  }

  /** The broker has gone. */
  lost(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#say(
      `The broker at ${this.#address} has gone; waiting for it, press Ctrl-C to end.`,
    );
  }
}
