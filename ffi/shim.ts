/**
 * What {@link Native} stands on: the C functions, the bell that says that
 * events wait, and time. The one below is the shim of this machine; a test can
 * hand in another, of a machine that it has made up.
 *
 * @module
 */

import { Socket } from "node:net";
import { type Clock, systemClock } from "./clock.ts";
import { loadLibrary } from "./library/library.ts";
import type { Symbols } from "./symbols.ts";

/** Rings when events wait. It keeps the process alive unless `unref` was called last. */
export interface Bell extends Disposable {
  ref(): void;
  unref(): void;
}

/** The C functions, and what comes with them. */
export interface Shim extends Disposable {
  readonly symbols: Symbols;
  readonly clock: Clock;
  /** Takes over the descriptor of a queue's bell, and calls `ring` from now on when events wait. */
  bell(descriptor: number, ring: () => void): Bell;
}

/** The shim of this machine. Throws as `loadLibrary` does. */
export function localShim(): Shim {
  const library = loadLibrary();
  const { symbols } = library;
  return {
    symbols,
    clock: systemClock,
    bell: (fd, ring) => {
      const bell = new Socket({ fd, readable: true, writable: false });
      bell.on("data", ring);
      // The descriptor is ours and the shim holds the other end: nothing but a bug ends it.
      bell.on("error", (error: Error) => reportError(error));
      bell.unref();
      return {
        ref: () => void bell.ref(),
        unref: () => void bell.unref(),
        [Symbol.dispose]: () => void bell.destroy(),
      };
    },
    [Symbol.dispose]: () => library.close(),
  };
}
