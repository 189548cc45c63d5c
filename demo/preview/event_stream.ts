/**
 * Server-sent events of which only the newest matters: a slow reader skips
 * events, so no queue grows.
 *
 * @module
 */

/** The largest number of readers at a time. */
const MAX_LISTENERS = 16;

/** A text that changes, sent to all readers. */
export class EventStream {
  readonly #listeners = new Set<Listener>();
  readonly #changed: () => void;
  #text: string | undefined;

  /** @param changed called when a reader begins */
  constructor(changed: () => void = () => {}) {
    this.#changed = changed;
  }

  /** Whether there is a reader. */
  get watched(): boolean {
    return this.#listeners.size > 0;
  }

  /** Sends `text`, one line, to all readers, and to later ones first. */
  send(text: string): void {
    this.#text = text;
    for (const listener of this.#listeners) listener.send(text);
  }

  /** Returns a body that begins with the newest text; `undefined` if there are too many readers. */
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

/** One reader. Its queue holds only the newest text. */
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
    // The last text is always sent, at most one more than the reader asked for.
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
