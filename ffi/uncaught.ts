/**
 * Errors that no caller can catch.
 *
 * @module
 */

/**
 * Reports an error of a handler as uncaught, after the code that runs now. Not
 * `reportError`: in a callback of a socket, where events are drained, Deno 2.9
 * prints "Uncaught null" instead of the error.
 */
export function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
