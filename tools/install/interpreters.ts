/** The CPythons of this machine. */

import { whyStub } from "../macos/command_line_tools.ts";

/** A CPython that the client supports. */
export interface FoundInterpreter {
  /** Its version, without the last number: `3.9`. */
  readonly version: string;
  /** The path of the program itself, not of a script that starts it. */
  readonly program: string;
  /** Whether it can make environments. */
  readonly makesEnvironments: boolean;
}

/** The oldest version, after `3.`. */
const OLDEST = 9;

/** Prints what is to be known of an interpreter; works in old ones too. */
const PROBE = `
import json, os, sys
try:
    import ensurepip, venv
    makes = True
except ImportError:
    makes = False
print(json.dumps([sys.implementation.name, list(sys.version_info[:2]), os.path.realpath(sys.executable), makes]))
`;

/**
 * Finds them on the PATH and in the folder of pyenv's versions: one of each minor
 * version, by its number. Empty if this process may not look. Synchronous,
 * because tests are declared by it.
 */
export function findInterpreters(): ReadonlyMap<string, FoundInterpreter> {
  const found = new Map<string, FoundInterpreter>();
  for (const name of ["run", "read", "env"] as const) {
    if (Deno.permissions.querySync({ name }).state !== "granted") return found;
  }
  for (const program of candidates()) {
    const one = probe(program);
    if (one !== undefined && !found.has(one.version)) {
      found.set(one.version, one);
    }
  }
  return found;
}

/** The paths of what may be an interpreter. */
function* candidates(): Iterable<string> {
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    if (!folder.startsWith("/")) continue;
    for (const name of namesIn(folder)) {
      if (/^python3(\.\d+)?$/.test(name)) yield `${folder}/${name}`;
    }
  }
  const home = Deno.env.get("HOME");
  const pyenv = Deno.env.get("PYENV_ROOT") ?? (home && `${home}/.pyenv`);
  if (!pyenv) return;
  for (const name of namesIn(`${pyenv}/versions`)) {
    yield `${pyenv}/versions/${name}/bin/python3`;
  }
}

/** The names in a folder, in order; none if there is no such folder. */
function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

/** What a program is; undefined if it is no CPython that the client supports, or does not run. */
function probe(program: string): FoundInterpreter | undefined {
  if (whyStub(program) !== undefined) return undefined;
  try {
    const { success, stdout } = new Deno.Command(program, {
      args: ["-I", "-c", PROBE],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).outputSync();
    if (!success) return undefined;
    const [implementation, [major, minor], path, makesEnvironments] = JSON
      .parse(new TextDecoder().decode(stdout));
    if (implementation !== "cpython" || major !== 3 || minor < OLDEST) {
      return undefined;
    }
    return { version: `3.${minor}`, program: path, makesEnvironments };
  } catch {
    return undefined; // no program, or not an interpreter
  }
}
