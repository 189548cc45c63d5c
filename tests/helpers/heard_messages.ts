import type { XpcDictionary } from "../../proto/wire/xpc_value.ts";
import { soon } from "./soon.ts";

/** The messages that a played side has received and not yet looked at. */
export class HeardMessages {
  readonly #heard: XpcDictionary[] = [];
  #wake = (): void => {};

  /** One more has come. */
  add(message: XpcDictionary): void {
    this.#heard.push(message);
    this.#wake();
  }

  /** Returns the next message with this value, and drops those before it. */
  async next(key: string, value: string): Promise<XpcDictionary> {
    while (true) {
      const next = this.#heard.shift();
      if (next === undefined) {
        const woken = new Promise<void>((resolve) => this.#wake = resolve);
        await soon(woken, value);
      } else if (next[key] === value) return next;
    }
  }
}
