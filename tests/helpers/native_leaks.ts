/**
 * As `leaks.ts`, for tests that may use nothing but ffi: what the shim itself
 * counts.
 *
 * What is counted is the whole process's: files that use this cannot run with
 * `deno test --parallel`, whose isolates share one.
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
 * Runs `body`, and fails if native objects are left that were not there before.
 *
 * @param settleMs how long what is on its way out may take to be gone
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
