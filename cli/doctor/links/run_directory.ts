/**
 * Whether the directory of the sockets belongs to the user alone.
 *
 * @module
 */

import type { Examination, Link } from "../examination.ts";
import { broken, type Finding, ok } from "../finding.ts";
import { linksBehind } from "../needs.ts";
import {
  baseFault,
  directoryFault,
  type Fault,
  hiddenFault,
  look,
} from "../paths.ts";

/** The link. */
export const runDirectoryLink: Link = { name: "run directory", check };

const SOCKETS = ["xpc socket", "grpc socket"] as const;

/** XDG_RUNTIME_DIR of another login. */
async function foreignVariable(
  { env, userId }: Examination["console"],
): Promise<Fault | undefined> {
  const path = env.get("XDG_RUNTIME_DIR");
  if (!path || env.get("STREAMLIB_HOME")) return undefined;
  return baseFault("XDG_RUNTIME_DIR", path, await look(path), userId());
}

/** What is known of the directory. */
interface Found {
  readonly fault: Fault | undefined;
  readonly state: "there" | "missing" | "hidden";
}

async function examine({ console, known }: Examination): Promise<Found> {
  const path = known.names!.runDirectory;
  const user = console.userId();
  try {
    const info = await look(path);
    const fault = info?.uid === user ? undefined : (
      await foreignVariable(console)
    );
    return {
      fault: fault ?? directoryFault(path, info, user),
      state: info === undefined ? "missing" : "there",
    };
  } catch (error) {
    const hidden = hiddenFault(path, error);
    if (hidden === undefined) throw error;
    return { fault: await foreignVariable(console) ?? hidden, state: "hidden" };
  }
}

async function check(examination: Examination): Promise<Finding> {
  const { runDirectory: path, xpcSocket } = examination.known.names!;
  const { fault, state } = await examine(examination);
  if (fault) {
    return broken("run directory", fault.found, {
      ...fault,
      // On macOS launchd has the name, and XPC uses no directory.
      blocks: state === "hidden"
        ? ["sockets", ...linksBehind("run directory", ...SOCKETS)]
        : xpcSocket === undefined
        ? []
        : linksBehind("run directory"),
    });
  }
  return ok(
    "run directory",
    state === "there" ? `${path}, mode 0700` : `${path}, not created yet`,
  );
}
