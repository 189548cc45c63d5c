/**
 * Server-sent events of which only the newest matters: a reader that is slow
 * skips, and nothing piles up.
 *
 * @module
 */

/** More who listen at a time are turned away. */
const MAX_LISTENERS = 16;

/** One text that changes, sent to all who listen. */
export class EventStream {
  readonly #listeners = new Set<Listener>();
  readonly #changed: () => void;
  #text: string | undefined;

  /** @param changed called when somebody begins to listen */
  constructor(changed: () => void = () => {}) {
    this.#changed = changed;
  }

  /** Whether anybody listens. */
  get watched(): boolean {
    return this.#listeners.size > 0;
  }

  /** Tells all who listen, and who will. `text` is one line. */
  send(text: string): void {
    this.#text = text;
    for (const listener of this.#listeners) listener.send(text);
  }

  /** A body that begins with the newest text; `undefined` where too many listen already. */
  listen(): ReadableStream<Uint8Array> | undefined {
    if (this.#listeners.size >= MAX_LISTENERS) return undefined;
    const listener = new Listener(() => this.#listeners.delete(listener));
    this.#listeners.add(listener);
    if (this.#text !== undefined) listener.send(this.#text);
    this.#changed();
    return listener.stream;
  }

  /** Ends every body once it has been read. */
  end(): void {
    for (const listener of this.#listeners) listener.end();
    this.#listeners.clear();
  }
}

/** One reader: what it has not yet asked for is one text, the newest. */
class Listener {
  readonly stream: ReadableStream<Uint8Array>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #pending: string | undefined;
  #over = false;

  constructor(left: () => void) {
    this.stream = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#flush(),
      cancel: () => {
        this.#over = true;
        left();
      },
    }, { highWaterMark: 1 });
  }

  send(text: string): void {
    this.#pending = text;
    this.#flush();
  }

  end(): void {
    if (this.#over) return;
    this.#over = true;
    // The last word is always said: one text more than was asked for at the most.
    if (this.#pending !== undefined) this.#enqueue(this.#pending);
    this.#controller.close();
  }

  #flush(): void {
    if (this.#over || this.#pending === undefined) return;
    if ((this.#controller.desiredSize ?? 0) <= 0) return;
    const text = this.#pending;
    this.#pending = undefined;
    this.#enqueue(text);
  }

  #enqueue(text: string): void {
    this.#controller.enqueue(new TextEncoder().encode(`data: ${text}\n\n`));
  }
}
