/**
 * What {@link Native} needs: the C functions, a bell that rings when events are
 * waiting, and a clock. {@link localShim} returns those of this machine; a test
 * can pass in those of a simulated one.
 *
 * @module
 */

import { Socket } from "node:net";
import { systemClock, type TimerClock } from "./clock.ts";
import { loadLibrary } from "./library/library.ts";
import type { Symbols } from "./symbols.ts";
import { reportUncaught } from "./uncaught.ts";

/** Rings when events are waiting. Keeps the process alive, unless `unref` was called last. */
export interface Bell extends Disposable {
  ref(): void;
  unref(): void;
}

/** The most rings that are read at once. */
const RINGS_AT_ONCE = 256;

/** The C functions, with a clock and bells. */
export interface Shim extends Disposable {
  readonly symbols: Symbols;
  /** Counts from `performance.timeOrigin`: a broker makes times of day of it. */
  readonly clock: TimerClock;
  /**
   * Takes over the descriptor of a bell. From then on `ring` is called when it has
   * rung, with the number of rings that were read. `shut` is called if its other
   * end was shut down, which only a peer that holds that end can do.
   */
  bell(
    descriptor: number,
    ring: (count: number) => void,
    shut?: () => void,
  ): Bell;
}

/** Returns the shim of this machine. Throws what `loadLibrary` throws. */
export function localShim(): Shim {
  const library = loadLibrary();
  const { symbols } = library;
  // The clock of performance.now(), which takes five times as long, has another zero.
  const zero = symbols.slb_clock_ms() - systemClock.now();
  return {
    symbols,
    clock: { ...systemClock, now: () => symbols.slb_clock_ms() - zero },
    bell: localBell,
    [Symbol.dispose]: () => library.close(),
  };
}

function localBell(
  fd: number,
  ring: (count: number) => void,
  shut?: () => void,
): Bell {
  const options = {
    fd,
    readable: true,
    writable: false,
    // A stream of "data" events would make an object for each ring.
    onread: {
      buffer: new Uint8Array(RINGS_AT_ONCE),
      callback: (count: number) => {
        ring(count);
        return true;
      },
    },
  };
  // Old versions of @types/node, which a user may have, do not know `onread`.
  const bell = new Socket(options as ConstructorParameters<typeof Socket>[0]);
  if (shut) bell.on("end", shut);
  // This process owns the descriptor, and nobody else can make it fail: an error is a bug.
  bell.on("error", (error: Error) => reportUncaught(error));
  bell.resume();
  bell.unref();
  return {
    ref: () => void bell.ref(),
    unref: () => void bell.unref(),
    [Symbol.dispose]: () => void bell.destroy(),
  };
}
