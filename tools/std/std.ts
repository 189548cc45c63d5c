/**
 * `deno task std`: makes `@std/…` importable where JSR cannot be reached.
 *
 * JSR is asked first, briefly. Where it answers, the real packages are used and
 * `.std/` is removed. Where it does not, `.std/` gets stand-ins. `deno.json`
 * links `.std/*`, and a glob that matches nothing is fine, so neither world
 * needs a flag. Run with `--no-config`, for with it the stand-ins themselves
 * would answer the probe.
 */

import { writeStandIns } from "./std_stand_ins.ts";

const PROBE_TIMEOUT_MS = 1500;

/** What is asked for. In variables: a literal would be fetched before this file runs. */
const PROBES = [
  "jsr:@std/assert@^1.0.0",
  "jsr:@std/cli@^1.0.0/parse-args",
  "jsr:@std/cli@^1.0.0/unicode-width",
];

async function isJsrReachable(): Promise<boolean> {
  const late = new Promise<boolean>((resolve) =>
    setTimeout(() => resolve(false), PROBE_TIMEOUT_MS)
  );
  const loaded = Promise.all(PROBES.map((probe) => import(probe)));
  // Unreachable, refused, or slower than the probe waits.
  return await Promise.race([loaded.then(() => true, () => false), late]);
}

const root = new URL("../../.std/", import.meta.url);
if (await isJsrReachable()) {
  await Deno.remove(root, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
} else {
  await writeStandIns(root);
}
Deno.exit(); // a probe that hangs is not waited for
