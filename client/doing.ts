/**
 * Notes which of a processor's functions runs, where its host can see it.
 *
 * @module
 */

import {
  type Doing,
  doingWord,
  FIRST_CALL,
} from "../proto/wire/status_layout.ts";

/** Where it is noted: see `StatusPage`. */
export interface DoingPlace {
  /** What this side does, as a word. */
  doing: number;
}

const WAITS = doingWord("waits");
const START = doingWord("start");
const PROCESS = doingWord("process");

/** Notes for one processor. */
export class DoingNote {
  readonly #place: DoingPlace;
  /** What runs beside the other functions: a manual processor's `start`, or nothing. */
  #beside = WAITS;

  constructor(place: DoingPlace) {
    this.#place = place;
  }

  /** Calls a function, and notes that it runs. */
  during<T>(doing: Doing, call: () => T | Promise<T>): Promise<T> {
    return this.#during(doingWord(doing), call);
  }

  /** Calls the function of a call, and notes that it runs: by its index among those that the processor declares. */
  duringCall<T>(index: number, call: () => T | Promise<T>): Promise<T> {
    return this.#during(FIRST_CALL + index, call);
  }

  async #during<T>(word: number, call: () => T | Promise<T>): Promise<T> {
    this.#place.doing = word;
    try {
      return await call();
    } finally {
      this.#place.doing = this.#beside;
    }
  }

  /** `process` is called now. There is one call for each frame: this costs a store. */
  processes(): void {
    this.#place.doing = PROCESS;
  }

  /** `process` has returned. */
  processed(): void {
    this.#place.doing = WAITS;
  }

  /** `start` runs from now on, until `on` is false. */
  starts(on: boolean): void {
    this.#place.doing = this.#beside = on ? START : WAITS;
  }
}
