/**
 * Later turns of the event loop.
 *
 * `setImmediate` is a getter. When it is read for the first time, Deno loads modules
 * of Node's, which takes 10 ms. Meanwhile it runs the promise callbacks that are due,
 * in the middle of the function that reads it. So only this module reads it, when no
 * other code is running: when the module is loaded, or in a client after its start.
 * See docs/decisions/071.
 *
 * While `setImmediate` calls follow one another, Deno looks only once in 61 turns
 * whether there is something to read, such as a ring of a bell. So from time to time
 * the next turn waits for a thread that sleeps shortly: the event loop sleeps
 * meanwhile, and looks before it does. See docs/decisions/077.
 *
 * @module
 */

import { afterUnloaded } from "./clock.ts";
import { permittedEnvironment } from "./environment.ts";
import { reportUncaught } from "./uncaught.ts";

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

/** How long turns may follow one another until the event loop looks at its descriptors, in milliseconds. */
const UNSEEN_MS = 8;

/** The longest wait for the sleeping thread, in milliseconds. Deno has 32 threads for such calls, and all may be busy. */
const LATE_MS = 5;

/** How long the thread sleeps, in microseconds. The event loop must be asleep before the thread wakes. */
const SLEEP_US = 100;

/** Lets another thread sleep for `us` microseconds. Resolves when it wakes. */
type Sleep = (us: number) => Promise<unknown>;

/** One of each shim that is loaded. */
const sleepers = new Set<Sleep>();
/** The callbacks that wait until the event loop has looked; undefined while none does. */
let afterLook: (() => void)[] | undefined;
/** When it has looked, as far as is known. */
let lookedAt = 0;
/** Whether a callback of {@link inLaterTurn} runs. */
let isInTurn = false;

/** Adds a function with which a thread can sleep. Dispose the result before the function can no longer be called. */
export function addSleeper(sleep: Sleep): Disposable {
  sleepers.add(sleep);
  return { [Symbol.dispose]: () => void sleepers.delete(sleep) };
}

/** Notes that the event loop has just looked at its descriptors. Call it when one was read. */
export function looked(): void {
  lookedAt = performance.now();
}

/**
 * Calls `callback` in a later turn of the event loop.
 *
 * @param follows whether the turn that runs now was asked for too. By default it is
 * so in a callback of this function
 */
export function inLaterTurn(
  callback: () => void,
  follows: boolean = isInTurn,
): void {
  if (afterLook) afterLook.push(callback);
  else if (follows && isLookDue()) look(callback);
  else if (immediately) immediately(() => run(callback));
  else afterUnloaded(0, () => run(callback));
}

function isLookDue(): boolean {
  return immediately !== undefined && sleepers.size > 0 &&
    performance.now() - lookedAt >= UNSEEN_MS;
}

function run(callback: () => void): void {
  isInTurn = true;
  try {
    callback();
  } finally {
    isInTurn = false;
  }
}

/** Lets the event loop look at its descriptors. Then calls `callback`, and those that were added meanwhile. */
function look(callback: () => void): void {
  const [sleep] = sleepers;
  const callbacks = [callback];
  afterLook = callbacks;
  const goOn = (): void => {
    clearTimeout(late);
    if (afterLook !== callbacks) return; // the other of thread and timer was first
    afterLook = undefined;
    looked();
    for (const one of callbacks) {
      try {
        run(one);
      } catch (error) {
        reportUncaught(error); // the others must be called all the same
      }
    }
  };
  const late = setTimeout(goOn, LATE_MS);
  sleep!(SLEEP_US).catch(reportUncaught).then(goOn);
}
