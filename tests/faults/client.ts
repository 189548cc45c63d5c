/**
 * The client's runner, with faults: a host gives it to its client in the place
 * of `client/runner.ts`.
 */

import {
  runClient as runWith,
  type RunnerOptions,
} from "../../client/runner.ts";
import { Native } from "../../ffi/native.ts";
import { hookedShim } from "./hooked_shim.ts";
import { LimitClock } from "./limit_clock.ts";
import { carryOut, ownPlan } from "./moments.ts";

/** The variable that names the file for the client's last words. */
export const WORDS = "FAULTS_WORDS";

/** As the real one, but no limit of its passes. What goes to stderr goes to a file too: a host that was killed reads it no more. */
export function runClient(
  load: () => Promise<unknown>,
  options: RunnerOptions,
): Promise<never> {
  const file = Deno.env.get(WORDS)!;
  const write = Deno.stderr.writeSync.bind(Deno.stderr);
  Deno.stderr.writeSync = (bytes) => {
    Deno.writeFileSync(file, bytes, { append: true });
    return write(bytes);
  };
  const hooks = carryOut(ownPlan());
  return runWith(load, {
    ...options,
    openNative: () =>
      new Native(hookedShim(hooks, { clock: new LimitClock() })),
  });
}
