/** Errors that nobody handles. */

import { settled } from "./sim/world.ts";

/** Collects the errors that nobody handles, which then do not end the test. */
export class Unhandled implements Disposable {
  #errors: unknown[] = [];
  readonly #hear = (event: PromiseRejectionEvent | ErrorEvent): void => {
    event.preventDefault();
    this.#errors.push("reason" in event ? event.reason : event.error);
  };

  constructor() {
    addEventListener("unhandledrejection", this.#hear);
    addEventListener("error", this.#hear);
  }

  /** Returns the errors since the last call, as text. */
  async take(): Promise<string[]> {
    await settled();
    const errors = this.#errors;
    this.#errors = [];
    return errors.map((error) =>
      `nobody handles: ${error instanceof Error ? error.stack : String(error)}`
    );
  }

  [Symbol.dispose](): void {
    removeEventListener("unhandledrejection", this.#hear);
    removeEventListener("error", this.#hear);
  }
}
