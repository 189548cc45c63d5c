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

  /** Notes a refusal. Returns a warning for the owner, if it is the first of its code. */
  note(problem: HelloProblem): string | undefined {
    this.last = problem;
    this.#count++;
    if (this.#told.has(problem.code)) return undefined;
    this.#told.add(problem.code);
    return fitText(`a peer was refused: ${problem.reason}`, MAX_REASON_LENGTH);
  }

  /** Returns a warning at the end, if more peers were refused than the owner was told of. */
  get summary(): string | undefined {
    return this.#count > this.#told.size
      ? `${this.#count} peers were refused in all`
      : undefined;
  }
}
