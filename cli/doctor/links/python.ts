/**
 * Which Python a host would run a processor with. It is no fault if there is none:
 * only processors in Python need it.
 *
 * @module
 */

import { join } from "node:path";
import {
  findPython,
  type PythonCandidate,
} from "../../../host/spawn/python/find_python.ts";
import type { ProgramResult } from "../../../launchd/run_program.ts";
import { BridgeError } from "../../../proto/errors.ts";
import type { Link } from "../examination.ts";
import { type Finding, note, ok } from "../finding.ts";

/** The oldest minor version of Python 3 that the package runs with. */
const OLDEST = 9;
const ASK = "import sys, platform, importlib.util as u; " +
  "print(sys.executable); print(platform.python_implementation()); " +
  "print(platform.python_version()); print(u.find_spec('numpy') is not None)";
const LIMIT_MS = 30_000;
const FOR_WHAT = "only processors in Python need one";

/** The link. */
export const pythonLink: Link = {
  name: "python",
  async check({ console }) {
    let found: PythonCandidate;
    try {
      found = findPython({
        // A module of the folder in which the doctor is asked.
        module: join(workingFolder(), "processor.py"),
        given: undefined,
        path: console.env.get("PATH"),
        os: Deno.build.os,
      });
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      return ok("python", `none is found; ${FOR_WHAT}`);
    }
    const ran = await console.runProgram(
      found.program,
      ["-E", "-c", ASK],
      { timeoutMs: LIMIT_MS },
    );
    return judgePython(found, ran);
  },
};

function workingFolder(): string {
  try {
    return Deno.cwd();
  } catch {
    return "/"; // it was removed, or may not be read
  }
}

/** The finding for what an interpreter has said of itself; `undefined`: there is none. */
export function judgePython(
  { program, because }: PythonCandidate,
  ran: ProgramResult | undefined,
): Finding {
  if (ran === undefined) return ok("python", `none is found; ${FOR_WHAT}`);
  const [path = program, kind = "", version = "", numpy] = ran.stdout.trim()
    .split("\n");
  if (ran.code !== 0 || numpy === undefined) {
    return note("python", `${program} cannot be asked for its version`, {
      why: `a processor in Python would not start with it (${because})`,
    });
  }
  const found = `${kind} ${version}, ${
    numpy === "True" ? "with" : "without"
  } numpy: ${path} (${because})`;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isFit = kind === "CPython" && major === 3 && minor >= OLDEST;
  return isFit ? ok("python", found) : note("python", found, {
    why:
      `processors in Python need CPython 3.${OLDEST} or later: set the option \`python\` of their hosts`,
  });
}
