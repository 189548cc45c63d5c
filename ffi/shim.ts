/**
 * What {@link Native} needs: the C functions, views of the memory that they map, a
 * bell that rings when events are waiting, and a clock. {@link localShim} returns those of this machine; a test
 * can pass in those of a simulated one, and a processor under test gets those of
 * `testing/`.
 *
 * @module
 */

import type { Bell } from "./bell.ts";
import { Bells, type Wait } from "./bells.ts";
import { afterUnloaded, systemClock, type TimerClock } from "./clock.ts";
import type { QueueHandle } from "./handle.ts";
import { loadLibrary } from "./library/library.ts";
import { MAPPED_VIEWS, type MemoryViews } from "./memory_views.ts";
import type { Symbols } from "./symbols.ts";
import { addSleeper } from "./turns.ts";

/** How long another thread waits for events at a time: a process that ends naturally ends only then. */
const WAIT_MS = 100;

/** The C functions, with views of their memory, a clock and bells. */
export interface Shim extends Disposable {
  readonly symbols: Symbols;
  /** Makes the views of memory that the functions map. */
  readonly views: MemoryViews;
  /** Counts from `performance.timeOrigin`: a broker makes times of day of it. */
  readonly clock: TimerClock;
  /**
   * Takes over the descriptor of a bell; see {@link Bells.bell}.
   *
   * @param queue the queue whose bell it is, if it is one's
   */
  bell(
    descriptor: number,
    ring: (count: number) => void,
    shut?: () => void,
    queue?: QueueHandle,
  ): Bell;
  /** The process has started, if it is a client: what it has put off is loaded. */
  started(): void;
}

/**
 * Returns the shim of this machine. Throws what `loadLibrary` throws.
 *
 * @param isStarting whether this is a client that calls {@link Shim.started} later
 */
export function localShim(isStarting = false): Shim {
  const library = loadLibrary();
  const { symbols } = library;
  // The clock of performance.now(), which takes five times as long, has another zero.
  const zero = symbols.slb_clock_ms() - systemClock.now();
  const sleeper = addSleeper((us) => symbols.slb_sleep_us_elsewhere(us));
  const bells = new Bells(isStarting);
  const waitFor = (queue: QueueHandle): Wait => async () => {
    const found = await symbols.slb_queue_wait_elsewhere(queue, WAIT_MS);
    if (found < 0) throw new Error(`Cannot wait for events: status ${found}`);
    return found === 1;
  };
  return {
    symbols,
    views: MAPPED_VIEWS,
    clock: {
      now: () => symbols.slb_clock_ms() - zero,
      after: (ms, callback) =>
        bells.areEarly
          ? afterUnloaded(ms, callback)
          : systemClock.after(ms, callback),
    },
    bell: (descriptor, ring, shut, queue) =>
      bells.bell(descriptor, ring, shut, queue && waitFor(queue)),
    started: () => bells.started(),
    [Symbol.dispose]() {
      sleeper[Symbol.dispose]();
      library.close();
    },
  };
}
