/**
 * Sends the signals of this process to the program that it runs.
 *
 * @module
 */

import { surviveFileSizeLimit } from "../../ffi/file_size_limit.ts";
import { Native } from "../../ffi/native.ts";

/** Instead of the process that signals are sent to: it is about to be started or has ended; signals are not caught. */
const NONE = 0;
const NOT_CAUGHT = -1;

/** The signals that are sent on: see `slb_process_forward` in the header. */
export class Signals implements Disposable {
  readonly #native: Native;

  /**
   * Catches them. They wait until {@link sendTo}.
   *
   * Deno itself catches SIGHUP, SIGINT and SIGTERM, from the first listener on and half
   * a second after the start at the latest, also if they were ignored. So this looks
   * first which were, then lets Deno catch them, once and for all, and then undoes it.
   */
  constructor() {
    using held = new DisposableStack();
    this.#native = held.use(Native.open());
    this.sendTo(NONE);
    surviveFileSizeLimit();
    this.sendTo(NONE);
    held.move();
  }

  /** Sends them to the process with this id, a child of this one. */
  sendTo(pid: number): void {
    this.#native.checked(this.#native.symbols.slb_process_forward(pid));
  }

  /** The child has ended: signals have no effect. */
  childEnded(): void {
    this.sendTo(NONE);
  }

  /** Catches them no more. */
  [Symbol.dispose](): void {
    this.sendTo(NOT_CAUGHT);
    this.#native[Symbol.dispose]();
  }
}
