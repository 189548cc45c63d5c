/**
 * Later turns of the event loop.
 *
 * `setImmediate` is a getter. When it is read for the first time, Deno loads modules
 * of Node's, which takes 10 ms. Meanwhile it runs the promise callbacks that are due,
 * in the middle of the function that reads it. So only this module reads it, when no
 * other code is running: when the module is loaded, or in a client after its start.
 * See docs/decisions/071.
 *
 * @module
 */

import { afterUnloaded } from "./clock.ts";
import { permittedEnvironment } from "./environment.ts";

/** Whether this process is a client, which loads nothing of Node's before it has started. */
export const isClientProcess: boolean = !!permittedEnvironment().get(
  "STREAMLIB_CONNECTION_ID",
);

/** `setImmediate`; undefined in a client that has not loaded it yet. */
let immediately = isClientProcess ? undefined : setImmediate;

/** Reads `setImmediate`, with which {@link inLaterTurn} is quicker. Promise callbacks may run meanwhile. */
export function loadTurns(): void {
  immediately = setImmediate;
}

/** Calls `callback` in a later turn of the event loop. */
export function inLaterTurn(callback: () => void): void {
  if (immediately) immediately(callback);
  else afterUnloaded(0, callback);
}
