/**
 * Like `leaks.ts`, for tests that may use only ffi: it compares the counts of
 * the shim.
 *
 * The counts are those of the whole process. So files that use this cannot run
 * with `deno test --parallel`, whose isolates share a process.
 */

import { Native } from "../../ffi/native.ts";
import { lapse, PATIENCE_MS } from "./soon.ts";

function counts(): Record<string, number> {
  using native = Native.open();
  const { live, xpc_objects, xpc_connections, surfaces_mapped } = native
    .stats();
  return { live, xpc_objects, xpc_connections, surfaces_mapped };
}

/**
 * Runs `body`, and fails if it leaves native objects that did not exist before.
 *
 * @param settleMs how long native objects may take to be released
 */
export async function nativeLeavesNothing(
  body: () => Promise<void>,
  settleMs: number = PATIENCE_MS,
): Promise<void> {
  const before = counts();
  await body();
  const deadline = performance.now() + settleMs;
  while (true) {
    const after = counts();
    const left = Object.entries(after)
      .filter(([kind, count]) => count > before[kind]!)
      .map(([kind, count]) =>
        `${kind}: ${before[kind]} before, ${count} after`
      );
    if (left.length === 0) return;
    if (performance.now() > deadline) {
      throw new Error(`Something is left:\n  ${left.join("\n  ")}`);
    }
    await lapse(10);
  }
}
