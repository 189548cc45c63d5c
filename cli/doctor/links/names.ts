/**
 * Whether the service has the same name everywhere: in the environment, and in
 * the installed files.
 *
 * @module
 */

import { BridgeError } from "../../../proto/errors.ts";
import { type Names, names, serviceName } from "../../../proto/names.ts";
import { namesOf } from "../../names_of.ts";
import { INSTALL } from "../advice.ts";
import {
  type Examination,
  isWithinBootstrap,
  type Link,
} from "../examination.ts";
import { broken, type Finding, note, ok, shellQuoted } from "../finding.ts";
import {
  type InstalledFile,
  isOfService,
  type Mismatch,
  mismatchIn,
} from "../installed.ts";
import { linksBehind } from "../needs.ts";

/** The link. */
export const namesLink: Link = { name: "names", check };

/** In a bootstrap a name needs no directory, so none is looked for. */
const NO_HOME = new Map([["HOME", "/nonexistent"]]);

async function check(examination: Examination): Promise<Finding> {
  const { console, known } = examination;
  if (isWithinBootstrap(known)) {
    const service = serviceName(console.env);
    known.names = names(NO_HOME, { service });
    known.installed = false;
    return ok("names", `${service}, in this bootstrap`);
  }
  let all: Names;
  try {
    all = namesOf(console);
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    return withoutDirectory(error.message, examination);
  }
  known.names = all;
  const files = (await serviceFiles(all)).filter((f) => isOfService(f, all));
  const mismatch = files.map((file) => mismatchIn(file, all))
    .find((found) => found !== undefined);
  known.installed = files.length > 0;
  if (mismatch) return describe(mismatch);
  return ok(
    "names",
    `${all.service}, ${files.length > 0 ? "installed" : "not installed"}`,
  );
}

/** There is no home, or its path is too long for a socket. A host needs neither. */
function withoutDirectory(
  why: string,
  { console, known }: Examination,
): Finding {
  let service: string;
  try {
    service = serviceName(console.env);
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    return broken("names", "the names cannot be derived", {
      why: error.message,
      mend: "unset STREAMLIB_DEV_MODE",
      blocks: linksBehind("names"),
    });
  }
  known.names = names(NO_HOME, { service });
  known.installed = false;
  known.directoryless = true;
  return note("names", `${service}, and no directory for its sockets`, {
    why:
      `${why}. Hosts run without it, each with its own broker; to share one:`,
    mend: "export STREAMLIB_HOME=/a/short/path",
  });
}

function describe({ file, key, found, expected, inPlace }: Mismatch): Finding {
  return broken("names", `${key} is ${found}, expected ${expected}`, {
    why:
      `${file.path} does not match this environment: clients look for the broker under another name`,
    mend: inPlace ? `${INSTALL} --force` : `rm ${shellQuoted(file.path)}`,
  });
}

/** The files that this system's service manager reads from its user. */
async function serviceFiles(
  { plistFile, systemdDirectory }: Names,
): Promise<InstalledFile[]> {
  const directory = plistFile?.slice(0, plistFile.lastIndexOf("/")) ??
    systemdDirectory;
  if (directory === undefined) return [];
  const files: InstalledFile[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(directory)) {
      if (!isFile || !/\.(plist|socket|service)$/.test(name)) continue;
      const path = `${directory}/${name}`;
      files.push({ path, text: await Deno.readTextFile(path) });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return files;
}
