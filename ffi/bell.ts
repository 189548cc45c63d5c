/**
 * A bell that the event loop listens to.
 *
 * @module
 */

/** Wakes the event loop when it rings. Keeps the process alive if `ref` was called last. */
export interface Bell extends Disposable {
  ref(): void;
  unref(): void;
}
