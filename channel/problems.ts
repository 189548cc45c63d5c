/**
 * What goes wrong on a channel and does not end it. Dropped messages are counted;
 * each kind of problem is told once.
 *
 * @module
 */

import type { BridgeError } from "../proto/errors.ts";
import { fitText } from "../proto/escape.ts";
import { MAX_ERROR_LENGTH } from "../proto/limits.ts";

/** Counts and tells the problems of a channel. */
export class Problems {
  /** The number of messages that were dropped. */
  misfits = 0;
  readonly #told = new Set<string>();
  readonly #tell: (text: string) => void;

  /** @param tell gets the text of the first problem of each kind */
  constructor(tell: (text: string) => void) {
    this.#tell = tell;
  }

  /** A message was dropped. */
  dropped(kind: string, text: string): void {
    this.misfits++;
    this.#tellOnce(kind, text);
  }

  /** User code has transferred the memory of a frame. */
  givenAway(port: string): void {
    this.#tellOnce(
      `given away:${port}`,
      `memory of a frame on port '${port}' was transferred to another owner ` +
        "(postMessage or structuredClone with a transfer list, or a stream's read into it), " +
        "so it cannot be used for another frame, and stays mapped until this process ends: " +
        "transfer a copy, as in pixels.slice(), and fill a surface from a stream with readInto()",
    );
  }

  /** A frame that waited at its port could not be sent, and was dropped. The port counts it. */
  notSent(port: string, error: BridgeError): void {
    this.#tellOnce(
      `not sent:${port}`,
      `a frame that waited on port '${port}' was not sent: ${error.message}`,
    );
  }

  /** There is no lane, so that frames travel as messages. */
  noLane(error: BridgeError): void {
    this.#tellOnce(
      "no lane",
      `frames travel as messages, which is slower: ${error.message}`,
    );
  }

  #tellOnce(kind: string, text: string): void {
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    this.#tell(fitText(text, MAX_ERROR_LENGTH)); // it may contain the peer's words
  }
}
