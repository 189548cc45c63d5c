/**
 * The interpreter that uv makes for a script with inline metadata (PEP 723): uv
 * downloads what the script depends on, so it is asked only if the user says so.
 *
 * @module
 */

import { BridgeError } from "../../../proto/errors.ts";
import type { PythonChoice } from "./executable.ts";
import type { RunTool, ToolEnd } from "./tool.ts";

/** The value of the option `python` that asks uv. */
export const UV = "uv";

/** PEP 723's own pattern. */
const BLOCK =
  /^# \/\/\/ (?<type>[a-zA-Z0-9-]+)$\s(?<content>(?:^#(?:| .*)$\s)+)^# \/\/\/$/gm;

/**
 * Returns the metadata of a script, as its text.
 *
 * @throws {BridgeError} `bad_argument` if it has none, `not_permitted` if this process
 * may not read it
 */
export async function scriptMetadata(module: string): Promise<string> {
  let text: string;
  try {
    text = await Deno.readTextFile(module);
  } catch (cause) {
    throw new BridgeError(
      cause instanceof Deno.errors.NotCapable
        ? "not_permitted"
        : "client_failed",
      `Cannot read the metadata of ${module} for uv: ${
        (cause as Error).message
      }`,
      { cause },
    );
  }
  for (const { groups } of text.matchAll(BLOCK)) {
    if (groups?.["type"] === "script") return groups["content"] ?? "";
  }
  throw new BridgeError(
    "bad_argument",
    `Cannot launch ${module} with python "uv": it has no metadata (PEP 723) that says ` +
      'what it depends on; begin it with "# /// script", "# dependencies = []" and "# ///", ' +
      "or leave the option out",
  );
}

/**
 * Has uv install what a script depends on. Returns the interpreter for it.
 *
 * @param module the absolute path: with a relative one uv returns another interpreter
 * @param output takes what uv says while it works
 * @throws {BridgeError} `client_failed` with what uv said; `not_permitted` without
 * permission to run it
 */
export async function uvPython(
  module: string,
  run: RunTool,
  output: (chunk: Uint8Array) => void,
): Promise<PythonChoice> {
  const uv = async (...args: string[]): Promise<ToolEnd> => {
    const ended = await run(UV, [...args, "--script", module])
      .catch((cause) => {
        throw notStarted(cause);
      });
    if (ended.code === 0) return ended;
    throw new BridgeError(
      "client_failed",
      `Cannot prepare ${module}: \`uv ${
        args.join(" ")
      }\` ended with code ${ended.code}:\n${ended.stderr.trim()}`,
    );
  };
  const { stderr } = await uv("sync");
  if (stderr !== "") output(new TextEncoder().encode(stderr));
  const { stdout } = await uv("python", "find");
  const program = stdout.trim();
  if (program.startsWith("/")) {
    return { program, because: 'chosen by uv, the option `python: "uv"`' };
  }
  throw new BridgeError(
    "client_failed",
    `Cannot prepare ${module}: \`uv python find\` wrote no path, but ${
      JSON.stringify(stdout)
    }`,
  );
}

function notStarted(cause: unknown): BridgeError {
  if (cause instanceof Deno.errors.NotCapable) {
    return new BridgeError(
      "not_permitted",
      `Cannot run uv: ${cause.message}; the host needs --allow-run=uv`,
      { cause },
    );
  }
  return new BridgeError(
    "client_failed",
    `Cannot run uv, which the option \`python\` names: ${
      (cause as Error).message
    }; install it, or set the option to the path of an interpreter`,
    { cause },
  );
}
