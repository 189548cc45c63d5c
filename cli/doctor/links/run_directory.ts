/**
 * Whether the directory of the sockets belongs to the user alone.
 *
 * @module
 */

import type { Examination, Link } from "../examination.ts";
import { broken, type Finding, ok } from "../finding.ts";
import { linksBehind } from "../needs.ts";
import { baseFault, directoryFault, type Fault, look } from "../paths.ts";

/** The link. */
export const runDirectoryLink: Link = { name: "run directory", check };

/** XDG_RUNTIME_DIR of another login. */
async function foreignVariable(
  { env, userId }: Examination["console"],
): Promise<Fault | undefined> {
  const path = env.get("XDG_RUNTIME_DIR");
  if (!path || env.get("STREAMLIB_HOME")) return undefined;
  return baseFault("XDG_RUNTIME_DIR", path, await look(path), userId());
}

async function check({ console, known }: Examination): Promise<Finding> {
  const { runDirectory: path, xpcSocket } = known.names!;
  const info = await look(path);
  const user = console.userId();
  const fault = info?.uid === user ? directoryFault(path, info, user) : (
    await foreignVariable(console) ?? directoryFault(path, info, user)
  );
  if (fault) {
    return broken("run directory", fault.found, {
      ...fault,
      // On macOS launchd has the name, and XPC uses no directory.
      blocks: xpcSocket === undefined ? [] : linksBehind("run directory"),
    });
  }
  return ok(
    "run directory",
    info === undefined ? `${path}, not created yet` : `${path}, mode 0700`,
  );
}
