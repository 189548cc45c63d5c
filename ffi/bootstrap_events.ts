/**
 * The events of a bootstrap, from the shim to those who iterate over them.
 *
 * @module
 */

import { MAX_WAITING_BOOTSTRAP_EVENTS } from "../proto/limits.ts";
import type { BootstrapHandle } from "./handle.ts";
import type { Native } from "./native.ts";
import type { Bell } from "./bell.ts";

/** Something that has happened in a bootstrap. */
export type BootstrapEvent =
  | {
    /** `registered`: the name is served now. `gone`: it is not any more. */
    readonly type: "registered" | "gone";
    /** The name of the service. Bytes that are no UTF-8 are replaced. */
    readonly name: string;
    /** The process that serves it; 0 if it cannot be seen from here, in another pid namespace. */
    readonly pid: number;
  }
  | {
    /** `spawned`: a program was started in the bootstrap. `ended`: it has ended. */
    readonly type: "spawned" | "ended";
    /** The program. */
    readonly name: string;
    /** Its process. */
    readonly pid: number;
  }
  | {
    /** `failed`: the program of a declared name could not be started. */
    readonly type: "failed";
    /** The name of the service. */
    readonly name: string;
    /** Why, as text for people. */
    readonly reason: string;
  }
  | {
    /** Events were lost, because too many waited. */
    readonly type: "lost";
    /** How many. */
    readonly count: number;
  };

/** `SLB_BOOTSTRAP_EVENT_BYTES` of the header. */
const EVENT_BYTES = 136;
const NAME_AT = 8;
const REGISTERED = 1;
const GONE = 2;
const WANTED = 3;

const decoder = new TextDecoder();

/** One iteration: the events that it has not taken yet. */
interface Reader {
  readonly waiting: BootstrapEvent[];
  lost: number;
  isOver: boolean;
  wake: () => void;
}

/** Reads the events of one bootstrap, and gives each to all iterations. */
export class BootstrapEvents implements Disposable {
  readonly #native: Native;
  readonly #handle: BootstrapHandle;
  readonly #bell: Bell;
  readonly #wanted: (name: string) => void;
  readonly #readers = new Set<Reader>();
  #change = new AbortController();
  #awake = 0;
  #disposed = false;

  /** @param wanted called when somebody asks for a declared name whose server does not run */
  constructor(
    native: Native,
    handle: BootstrapHandle,
    wanted: (name: string) => void,
  ) {
    this.#native = native;
    this.#handle = handle;
    this.#wanted = wanted;
    this.#bell = native.bell(
      native.checked(native.symbols.slb_bootstrap_take_bell(handle)),
      () => this.#drain(),
    );
    this.#bell.unref();
  }

  /** Aborts at the next change of the names. */
  get change(): AbortSignal {
    return this.#change.signal;
  }

  /** Keeps the process alive until it is disposed. */
  keepAlive(): Disposable {
    if (this.#awake++ === 0) this.#bell.ref();
    return {
      [Symbol.dispose]: () => {
        if (--this.#awake === 0 && !this.#disposed) this.#bell.unref();
      },
    };
  }

  /** Tells all iterations of an event. */
  add(event: BootstrapEvent): void {
    for (const reader of this.#readers) {
      if (reader.waiting.length < MAX_WAITING_BOOTSTRAP_EVENTS) {
        reader.waiting.push(event);
      } else reader.lost++;
      reader.wake();
    }
  }

  /** Begins an iteration at once, over the events that come from now on. */
  iterate(): AsyncGenerator<BootstrapEvent, void, void> {
    const reader: Reader = {
      waiting: [],
      lost: 0,
      isOver: false,
      wake: () => {},
    };
    this.#readers.add(reader);
    const events = this.#read(reader);
    const end = events.return.bind(events);
    // A generator's own return() waits for the next event, and does nothing for one that has not begun.
    events.return = (value) => {
      this.#readers.delete(reader);
      reader.isOver = true;
      reader.wake();
      return end(value);
    };
    return events;
  }

  async *#read(reader: Reader): AsyncGenerator<BootstrapEvent, void, void> {
    using _awake = this.keepAlive();
    try {
      while (true) {
        const event = reader.waiting.shift();
        if (event) yield event;
        else if (reader.lost > 0) {
          const count = reader.lost;
          reader.lost = 0;
          yield { type: "lost", count };
        } else if (this.#disposed || reader.isOver) return;
        else await new Promise<void>((resolve) => reader.wake = resolve);
      }
    } finally {
      this.#readers.delete(reader);
    }
  }

  #drain(): void {
    const bytes = new Uint8Array(EVENT_BYTES);
    const view = new DataView(bytes.buffer);
    const { symbols } = this.#native;
    while (!this.#disposed) {
      const length = symbols.slb_bootstrap_next(this.#handle, bytes);
      if (length <= 0) break;
      const detail = view.getInt32(4, true);
      const name = decoder.decode(bytes.subarray(NAME_AT, length));
      this.#took(view.getUint32(0, true), detail, name);
    }
    const changed = this.#change;
    this.#change = new AbortController();
    changed.abort();
  }

  #took(kind: number, detail: number, name: string): void {
    if (kind === WANTED) this.#wanted(name);
    else if (kind === REGISTERED) {
      this.add({ type: "registered", name, pid: detail });
    } else if (kind === GONE) this.add({ type: "gone", name, pid: detail });
    else this.add({ type: "lost", count: detail });
  }

  /** Ends all iterations. */
  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#bell[Symbol.dispose]();
    for (const reader of this.#readers) reader.wake();
  }
}
