/**
 * A bell, as the event loop hears it.
 *
 * @module
 */

/** Rings when events are waiting. Keeps the process alive, unless `unref` was called last. */
export interface Bell extends Disposable {
  ref(): void;
  unref(): void;
}
