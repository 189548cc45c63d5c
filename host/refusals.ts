/**
 * The peers that a host has refused: which of them its owner is told of.
 *
 * @module
 */

import type { ErrorCode } from "../proto/errors.ts";
import { fitText } from "../proto/escape.ts";
import { MAX_REASON_LENGTH } from "../proto/limits.ts";
import type { HelloProblem } from "../proto/states/handshake_messages.ts";

/** Counts refused peers. A client that connects again and again fills no log: each code is told once. */
export class Refusals {
  /** Why the last peer was refused that may have been the client. */
  last: HelloProblem | undefined;
  #count = 0;
  readonly #told = new Set<ErrorCode>();
  readonly #warn: (text: string) => void;

  /** @param warn warns the owner */
  constructor(warn: (text: string) => void) {
    this.#warn = warn;
  }

  /** Notes a refusal. Warns the owner, if it is the first of its code. */
  note(problem: HelloProblem): void {
    this.last = problem;
    this.#count++;
    if (this.#told.has(problem.code)) return;
    this.#told.add(problem.code);
    this.#warn(
      fitText(`a peer was refused: ${problem.reason}`, MAX_REASON_LENGTH),
    );
  }

  /** Warns the owner at the end, if more peers were refused than it was told of. */
  end(): void {
    if (this.#count > this.#told.size) {
      this.#warn(`${this.#count} peers were refused in all`);
    }
  }
}
