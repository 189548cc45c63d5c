/**
 * The client's runner, with faults: a host gives it to its client instead
 * of `client/runner.ts`.
 */

import {
  runClient as runWith,
  type RunnerOptions,
} from "../../client/runner.ts";
import { Native } from "../../ffi/native.ts";
import { writeOrLose } from "../../ffi/output.ts";
import { clientLineStart } from "../../proto/wire/keys.ts";
import { hookedShim } from "./hooked_shim.ts";
import { LimitClock } from "../helpers/limit_clock.ts";
import { carryOut, ownPlan } from "./moments.ts";

/** The environment variable that names the file for the client's stderr. */
export const WORDS = "FAULTS_WORDS";

/** The real runner, with a clock on which no limit passes. Its stderr goes to a file too, since a host that was killed does not read it. */
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
    say: (text) =>
      writeOrLose(
        Deno.stderr,
        new TextEncoder().encode(`${clientLineStart(options.name)}${text}\n`),
      ),
    openNative: () =>
      new Native(hookedShim(hooks, { clock: new LimitClock() })),
  });
}
