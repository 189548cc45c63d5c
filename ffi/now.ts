/**
 * The clock of timestamps.
 *
 * @module
 */

import { loadClock } from "./library/library.ts";
import { Native } from "./native.ts";

/**
 * Returns the time in nanoseconds, on the clock that a `Clock` field such as
 * `timestamp_ns` has. It never goes back and is the same in every process of this
 * machine, so that a consumer can compute a frame's age. It is no time of day:
 * it counts from the start of the system, without the time that it sleeps
 * (CLOCK_MONOTONIC; on macOS CLOCK_UPTIME_RAW).
 *
 * A call takes less than a microsecond while a host or processor is open in this
 * process. Otherwise it loads the shim, and takes some hundred.
 *
 * ```ts
 * import { now } from "@streamlib/bridge";
 *
 * const before = now();
 * console.log(now() - before >= 0n); // true
 * ```
 *
 * @throws {BridgeError} `library_not_found`, `not_permitted` or
 * `version_mismatch` if the shim cannot be loaded
 */
export function now(): bigint {
  const { opened } = Native;
  if (opened) return opened.symbols.slb_now_ns();
  const library = loadClock();
  const time = library.symbols.slb_now_ns();
  library.close();
  return time;
}
