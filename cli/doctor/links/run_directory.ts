/**
 * Whether the directory of the sockets belongs to the user alone.
 *
 * @module
 */

import type { Examination, Link } from "../examination.ts";
import { broken, type Finding, ok } from "../finding.ts";
import { linksBehind } from "../needs.ts";
import { directoryFault, look } from "../paths.ts";

/** The link. */
export const runDirectoryLink: Link = { name: "run directory", check };

async function check({ console, known }: Examination): Promise<Finding> {
  const { runDirectory: path, xpcSocket } = known.names!;
  const info = await look(path);
  const fault = directoryFault(path, info, console.userId());
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
