/**
 * What connections and listeners have in common.
 *
 * @module
 */

import type { AnyHandle } from "./handle.ts";
import type { EventSink, Native } from "./native.ts";

const MAX_TEXT_BYTES = 512;

/** The common part of listeners and connections: activation, cancellation, reason, disposal. */
export abstract class Party implements Disposable {
  /**
   * The shim.
   *
   * @internal
   */
  protected readonly native: Native;
  readonly #handle: AnyHandle;
  #lease: Disposable | undefined;
  #disposed = false;

  /**
   * Takes a handle over.
   *
   * @internal
   */
  protected constructor(native: Native, handle: AnyHandle) {
    this.native = native;
    this.#handle = handle;
  }

  /**
   * The handle of the native object.
   *
   * @internal
   */
  get handle(): AnyHandle {
    return this.#handle;
  }

  /** Whether it was disposed. */
  get isDisposed(): boolean {
    return this.#disposed;
  }

  /**
   * Disposes `lease` after this is disposed.
   *
   * @internal
   */
  disposeWith(lease: Disposable): void {
    this.#lease = lease;
  }

  /**
   * Starts its events.
   *
   * @internal
   */
  protected start(sink: EventSink): void {
    this.native.listen(this.#handle, sink);
    this.native.checked(
      this.native.symbols.slb_connection_activate(this.#handle),
    );
  }

  /** Why it became invalid, as text for people; "" if unknown. */
  reason(): string {
    const text = new Uint8Array(MAX_TEXT_BYTES);
    const length = this.native.symbols.slb_connection_reason_copy(
      this.#handle,
      text,
      text.length,
    );
    return new TextDecoder().decode(text.subarray(0, length));
  }

  /** Ends it. `invalid` is its last event. More than one call does no harm. */
  cancel(): void {
    if (this.#disposed) return;
    this.native.checked(
      this.native.symbols.slb_connection_cancel(this.#handle),
    );
  }

  /** Ends it without an event, and releases it. More than one call does no harm. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.native.unlisten(this.#handle);
    this.native.symbols.slb_release(this.#handle);
    this.#lease?.[Symbol.dispose]();
  }
}
