/**
 * `deno task std`: makes `@std/…` importable where JSR cannot be reached.
 *
 * First JSR is asked, with a short limit. If it answers, the real packages are
 * in Deno's cache and `.std/` is removed. If it is not reachable, or does not
 * answer in time, `.std/` gets stand-ins for the packages, or keeps those that
 * it has. `deno.json` links `.std/*`; that this matches nothing is no error, so
 * both cases need no flag. Several tasks may do this at once, and with different
 * answers: each change is a rename, and either kind of package will do.
 *
 * It must run with `--no-config`: otherwise the stand-ins would answer the
 * probe.
 */

import { writeStandIns } from "./std_stand_ins.ts";

const PROBE_TIMEOUT_MS = 1500;

/** What is asked for. Not as literals: those are loaded before this file runs. */
const PROBES = [
  "jsr:@std/assert@^1.0.0",
  "jsr:@std/cli@^1.0.0/parse-args",
  "jsr:@std/cli@^1.0.0/unicode-width",
];

/** Whether all packages can be loaded from JSR; false if it takes too long. */
async function isJsrReachable(): Promise<boolean> {
  const late = new Promise<boolean>((resolve) =>
    setTimeout(() => resolve(false), PROBE_TIMEOUT_MS)
  );
  const loaded = Promise.all(PROBES.map((probe) => import(probe)));
  return await Promise.race([loaded.then(() => true, () => false), late]);
}

const folder = new URL("../../.std/", import.meta.url);
const out = new URL("../../c/out/", import.meta.url);
const scratch = new URL(`std-${crypto.randomUUID()}/`, out);
await Deno.mkdir(scratch, { recursive: true });
try {
  if (await isJsrReachable()) {
    await Deno.rename(folder, new URL("removed", scratch)).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  } else {
    await writeStandIns(folder, scratch);
  }
} finally {
  await Deno.remove(scratch, { recursive: true });
}
Deno.exit(); // does not wait for a probe that is late
