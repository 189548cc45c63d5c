/**
 * The directory of the sockets.
 *
 * @module
 */

import type { Examination, Link } from "./examination.ts";
import { broken, type Finding, ok } from "./finding.ts";
import { directoryFault, look } from "./paths.ts";

/** The link. */
export const runDirectoryLink: Link = { name: "run directory", check };

async function check({ console, known }: Examination): Promise<Finding> {
  const { runDirectory: path, xpcSocket } = known.names!;
  const info = await look(path);
  const fault = directoryFault(path, info, console.userId());
  if (fault) {
    return broken("run directory", fault.found, {
      ...fault,
      // On macOS launchd holds the name, and no directory is asked.
      blocks: xpcSocket === undefined
        ? []
        : ["xpc", "handshake", "frames", "control plane", "teardown"],
    });
  }
  return ok(
    "run directory",
    info === undefined ? `${path}, not there yet` : `${path}, 0700`,
  );
}
