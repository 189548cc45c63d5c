/**
 * Finds the Python that runs a module: the option `python`, else that of a virtual
 * environment at the module, else `python3`.
 *
 * It looks at files and starts no process. A host needs permission to read for it.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { BridgeError } from "../../../proto/errors.ts";

/** Whether Python runs a module: by its file name. */
export function isPythonModule({ protocol, pathname }: URL): boolean {
  return protocol !== "data:" && pathname.endsWith(".py");
}

/** What {@link findPython} looks for. */
export interface PythonSearch {
  /** The path of the module. */
  readonly module: string;
  /** The option `python`: a path, or a name in PATH; `undefined` if it is not given. */
  readonly given: string | undefined;
  /** The variable PATH, as the client has it; `undefined` if this process may not read it: then the system looks. */
  readonly path: string | undefined;
  readonly os: string;
}

/** An interpreter, or a program that runs one. */
export interface PythonCandidate {
  /** Its path, links in it not resolved; a name if this process may not look for it in PATH. */
  readonly program: string;
  /** How it was chosen, as a part of a sentence. */
  readonly because: string;
}

/** The interpreter of a virtual environment, beside the module. Links lead to the interpreter that it was made with, which does not know the environment. */
const IN_ENVIRONMENT = ".venv/bin/python";
const NAME = "python3";
/** Where a Mac has programs, if PATH is not known: the system would start Apple's. */
const MAC_PATH = "/opt/homebrew/bin:/usr/local/bin:/usr/bin";

/** Apple's program at that place opens a window to install Python, if there is none. */
const APPLE_STUB = "/usr/bin/python3";
/** One of these is there if it runs a Python. */
const APPLE_PYTHONS: readonly string[] = [
  "/Library/Developer/CommandLineTools/usr/bin/python3",
  "/Applications/Xcode.app/Contents/Developer/usr/bin/python3",
];

/** What is at a path: `broken` is a link that leads nowhere, `hidden` what this process may not look at. */
type AtPath = "file" | "nothing" | "broken" | "hidden";

/**
 * Returns the interpreter for a module.
 *
 * @throws {BridgeError} `client_failed`, with what was looked for, if there is none
 */
export function findPython(search: PythonSearch): PythonCandidate {
  const { given } = search;
  if (given !== undefined) {
    const because = "the option `python`";
    if (given.includes("/")) return { program: given, because };
    const { program } = inPath(given, search);
    if (program !== undefined) return { program, because };
    throw noPython(`there is no '${given}', the option \`python\`, in PATH`);
  }
  const environment = environmentOf(search.module);
  if (environment.program !== undefined) {
    return {
      program: environment.program,
      because: "the virtual environment at the module",
    };
  }
  const { program, stub } = inPath(NAME, search);
  if (program !== undefined) {
    return {
      program,
      because: environment.isHidden
        ? "found in PATH; the host has no permission to read the module's folder, so that no .venv was looked for"
        : "found in PATH",
    };
  }
  const folder = dirname(search.module);
  throw noPython(
    `there is no ${IN_ENVIRONMENT} in ${folder} or a folder above${
      environment.isHidden ? " that the host has permission to read" : ""
    }, and no ${NAME} in PATH${
      stub
        ? ` but ${APPLE_STUB}, which only offers to install the command line tools`
        : ""
    }`,
  );
}

function noPython(found: string): BridgeError {
  return new BridgeError(
    "client_failed",
    `Cannot find a Python for the client: ${found}; install Python 3.9 or later, or ` +
      "set the option `python` to the path of an interpreter",
  );
}

/** Looks for a virtual environment in the module's folder and those above. */
function environmentOf(
  module: string,
): { readonly program?: string; readonly isHidden: boolean } {
  let isHidden = false;
  for (let folder = dirname(module);; folder = dirname(folder)) {
    const program = join(folder, IN_ENVIRONMENT);
    const found = look(program);
    if (found === "file") return { program, isHidden };
    if (found === "broken") {
      throw new BridgeError(
        "client_failed",
        `Cannot run the client with ${program}: the interpreter with which that virtual ` +
          "environment was made is gone; make it again, or set the option `python`",
      );
    }
    isHidden ||= found === "hidden";
    if (folder === dirname(folder)) return { isHidden };
  }
}

/** Looks for a program in PATH. Where this process may not look, the system does, by the name. */
function inPath(
  name: string,
  { path, os }: PythonSearch,
): { readonly program?: string; readonly stub: boolean } {
  let stub = false;
  const known = path ?? (os === "darwin" ? MAC_PATH : undefined);
  if (known === undefined) return { program: name, stub };
  for (const folder of known.split(":")) {
    if (!folder.startsWith("/")) continue; // of which folder it would be is not known
    const program = join(folder, name);
    const found = look(program);
    if (found === "hidden" && os !== "darwin") return { program: name, stub };
    if (found !== "file") continue;
    if (os === "darwin" && program === APPLE_STUB && !hasApplePython()) {
      stub = true;
      continue;
    }
    return { program, stub };
  }
  return { stub };
}

function hasApplePython(): boolean {
  return APPLE_PYTHONS.some((path) => look(path) === "file");
}

function look(path: string): AtPath {
  const query = { name: "read", path } as const;
  if (Deno.permissions.querySync(query).state !== "granted") return "hidden";
  try {
    return Deno.statSync(path).isFile ? "file" : "nothing";
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return "hidden";
    if (!(error instanceof Deno.errors.NotFound)) return "nothing";
  }
  try {
    return Deno.lstatSync(path).isSymlink ? "broken" : "nothing";
  } catch {
    return "nothing";
  }
}
