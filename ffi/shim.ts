/**
 * What {@link Native} needs: the C functions, a bell that rings when events are
 * waiting, and a clock. {@link localShim} returns those of this machine; a test
 * can pass in those of a simulated one.
 *
 * @module
 */

import { Socket } from "node:net";
import { type Clock, systemClock } from "./clock.ts";
import { loadLibrary } from "./library/library.ts";
import type { Symbols } from "./symbols.ts";

/** Rings when events are waiting. Keeps the process alive, unless `unref` was called last. */
export interface Bell extends Disposable {
  ref(): void;
  unref(): void;
}

/** The C functions, with a clock and bells. */
export interface Shim extends Disposable {
  readonly symbols: Symbols;
  readonly clock: Clock;
  /** Takes over the descriptor of a queue's bell. From then on `ring` is called when events are waiting. */
  bell(descriptor: number, ring: () => void): Bell;
}

/** Returns the shim of this machine. Throws what `loadLibrary` throws. */
export function localShim(): Shim {
  const library = loadLibrary();
  const { symbols } = library;
  return {
    symbols,
    clock: systemClock,
    bell: (fd, ring) => {
      const bell = new Socket({ fd, readable: true, writable: false });
      bell.on("data", ring);
      // This process owns the descriptor and the shim holds the other end: an error is a bug.
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
