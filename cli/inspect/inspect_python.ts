/**
 * Has Python load a processor's module, and reads what it declares.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { findPython } from "../../host/spawn/python/find_python.ts";
import { pythonFolder } from "../../host/spawn/python/python_folder.ts";
import { homeDirectory } from "../../proto/names.ts";
import { BridgeError } from "../../proto/errors.ts";
import { parseDescription } from "../../proto/schema/json/description_json.ts";
import type { Console } from "../terminal/console.ts";
import {
  type Inspection,
  LOAD_LIMIT_SECS,
  runLimited,
  silent,
} from "./inspect_module.ts";
import { TIMED_OUT } from "../../launchd/run_program.ts";

/**
 * Loads a module in a process of its own, with the interpreter that a host would use.
 * Python writes the description, as JSON, as the last line of stdout.
 *
 * @throws {BridgeError} as `findPython` and `pythonFolder`; `bad_argument` if the
 * module is no local file
 */
export async function inspectPython(
  console: Console,
  module: URL,
  limitSecs: number = LOAD_LIMIT_SECS,
): Promise<Inspection> {
  if (module.protocol !== "file:") {
    throw new BridgeError(
      "bad_argument",
      `Cannot inspect ${module}: a Python module must be a local file`,
    );
  }
  const path = fileURLToPath(module);
  const { program } = findPython({
    module: path,
    given: undefined,
    path: console.env.get("PATH"),
    os: Deno.build.os,
  });
  const folder = await pythonFolder("client/python", {
    home: () => homeDirectory(console.env),
    user: () => console.userId(),
  });
  const ran = await runLimited(
    console,
    // -E: without the variables that a client does not get either; -B: nothing is written beside the module.
    [program, "-E", "-B", "-u", "-X", "utf8", folder, "--describe", path],
    {},
    limitSecs,
  );
  if (ran.code === TIMED_OUT) return silent(ran, limitSecs);
  if (ran.code !== 0) {
    return {
      problem: `${program} cannot load it`,
      output: ran.stderr,
    };
  }
  try {
    const line = ran.stdout.trimEnd().split("\n").at(-1) ?? "";
    return { description: parseDescription(line) };
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    return { problem: error.message, output: ran.stderr };
  }
}
