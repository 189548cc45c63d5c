/**
 * A broker that goes away, and comes back, under a command that goes on.
 *
 * @module
 */

import { isBrokerGone } from "../proto/wire/control.ts";

/** Says once that a broker has gone, and once that it is back. */
export class Presence {
  readonly #address: string;
  readonly #say: (words: string) => void;
  #gone = false;

  /** @param address the broker's
   * @param say takes what is to be told to people */
  constructor(address: string, say: (words: string) => void) {
    this.#address = address;
    this.#say = say;
  }

  /** It has answered. */
  answered(): void {
    if (!this.#gone) return;
    this.#gone = false;
    this.#say(`The broker at ${this.#address} is back.`);
  }

  /** A call has failed: throws the error again, unless it means that the broker has gone. */
  failed(error: unknown): void {
    if (!isBrokerGone(error)) throw error;
    this.lost();
  }

  /** It has gone. */
  lost(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#say(
      `The broker at ${this.#address} has gone; waiting for it, Ctrl-C ends.`,
    );
  }
}
