/**
 * Later turns of the event loop.
 *
 * `setImmediate` is a getter. At the first look Deno loads modules of Node's for it,
 * which takes 10 ms, and runs the promise callbacks that wait: in the middle of what
 * looks. So it is looked at here, where nothing is under way; in a client only after
 * its start. See docs/decisions/071.
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

/** Loads what {@link inLaterTurn} is quicker with. Promise callbacks may run meanwhile. */
export function loadTurns(): void {
  immediately = setImmediate;
}

/** Calls `callback` in a later turn of the event loop, after what waits for its turn now. */
export function inLaterTurn(callback: () => void): void {
  if (immediately) immediately(callback);
  else afterUnloaded(0, callback);
}
