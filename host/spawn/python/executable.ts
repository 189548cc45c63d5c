/**
 * The executable of an interpreter. What is found may be a script that only runs
 * one, as pyenv's are: that would cost 130 ms at each start of a client.
 *
 * @module
 */

import { BridgeError } from "../../../proto/errors.ts";
import type { LaunchPlace } from "../client_kind.ts";
import type { PythonCandidate } from "./find_python.ts";
import type { RunTool } from "./tool.ts";

/** The interpreter of a host's clients. */
export interface PythonChoice extends PythonCandidate {
  /** The path of its executable. */
  readonly program: string;
}

/** It is Python 2 as well: only `__main__.py` judges the version. */
const ASK = "import sys; print(sys.executable)";
/** Without the variables of this process, and without the modules that are loaded at each start. */
const ASK_ARGUMENTS: readonly string[] = ["-I", "-S", "-c", ASK];

/** The executables of this process's hosts, by what was found and where. */
const ASKED = new Map<string, string>();

/**
 * Returns the executable of an interpreter. Only a script, or a file that this
 * process may not read, is run for it, once in a process.
 *
 * @throws {BridgeError} `client_failed` if it cannot be run, `not_permitted` without
 * permission to run it
 */
export async function executableOf(
  candidate: PythonCandidate,
  { folder, variable }: LaunchPlace,
  run: RunTool,
): Promise<PythonChoice> {
  const { program } = candidate;
  if (isExecutable(program)) return candidate;
  const key = JSON.stringify([program, folder, variable("PATH")]);
  const known = ASKED.get(key);
  if (known !== undefined) return { ...candidate, program: known };
  const executable = await ask(candidate, run);
  ASKED.set(key, executable);
  return { ...candidate, program: executable };
}

async function ask(
  { program, because }: PythonCandidate,
  run: RunTool,
): Promise<string> {
  const cannot = (why: string, cause?: unknown): BridgeError =>
    new BridgeError(
      cause instanceof Deno.errors.NotCapable
        ? "not_permitted"
        : "client_failed",
      `Cannot run the client with ${program} (${because}): ${why}`,
      { cause },
    );
  const ended = await run(program, ASK_ARGUMENTS).catch((cause) => {
    throw cause instanceof Deno.errors.NotCapable
      ? cannot(`${cause.message}; the host needs --allow-run for it`, cause)
      : cannot(
        `${
          (cause as Error).message
        }; set the option \`python\` to the path of an interpreter`,
        cause,
      );
  });
  const path = ended.stdout.trim().split("\n").at(-1) ?? "";
  if (ended.code === 0 && path.startsWith("/")) return path;
  const said = ended.stderr.trim() || ended.stdout.trim() || "nothing";
  throw cannot(
    `it was asked for sys.executable, ended with code ${ended.code} and wrote: ${said}; ` +
      "set the option `python` to the path of a CPython of 3.9 or later",
  );
}

/** Whether a file is a program and no script. Apple's asks the system for the interpreter each time. */
function isExecutable(path: string): boolean {
  if (!path.startsWith("/") || path === "/usr/bin/python3" && isMac()) {
    return false;
  }
  const query = { name: "read", path } as const;
  if (Deno.permissions.querySync(query).state !== "granted") return false;
  try {
    using file = Deno.openSync(path);
    const start = new Uint8Array(2);
    return file.readSync(start) === start.length &&
      new TextDecoder().decode(start) !== "#!";
  } catch {
    return false; // running it says what is wrong
  }
}

function isMac(): boolean {
  return Deno.build.os === "darwin";
}
