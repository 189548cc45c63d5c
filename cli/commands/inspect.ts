/**
 * `streamlib inspect`.
 *
 * @module
 */

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { isPythonModule } from "../../host/spawn/python/find_python.ts";
import { JAVASCRIPT_URL } from "../../host/spawn/beside_module.ts";
import { type Command, type Invocation, PROGRAM } from "../command.ts";
import { CommandError, EXIT, type ExitCode } from "../exit.ts";
import { descriptionLines } from "../inspect/description_text.ts";
import {
  inspectModule,
  LOAD_LIMIT_SECS,
  LOAD_PERMISSIONS,
  type LoadPermission,
} from "../inspect/inspect_module.ts";
import { inspectPython } from "../inspect/inspect_python.ts";
import { type Option, ValueError } from "../option.ts";
import { JSON_OUTPUT } from "../options.ts";
import { writeJson, writeLines } from "../terminal/console.ts";

const ALLOW: Option<readonly LoadPermission[]> = {
  name: "allow",
  value: {
    label: "KINDS",
    read: (text) =>
      text.split(",").map((word) => {
        const kind = LOAD_PERMISSIONS.find((one) => one === word);
        if (kind !== undefined) return kind;
        throw new ValueError(
          `a list of ${LOAD_PERMISSIONS.join(", ")}, with commas between them`,
        );
      }),
  },
  meaning:
    "what the module may use while it is loaded: some of env, import, net, read, sys, with commas (default: nothing)",
};

const FIELDS = {
  mode: "reactive, continuous or manual",
  ports:
    "inputs and outputs, each an array of ports with name, description, schema, required, read_behavior, capacity and formats, and the schemas that fields refer to; null if the ports are those of the host",
  settings:
    "an array of settings with name, description, type, default, minimum and maximum",
  calls: "an array of calls with name and the fields of request and reply",
} as const;

/** Shows what a processor declares. */
export const inspect: Command = {
  path: ["inspect"],
  summary:
    "Shows what a processor declares: its mode, ports, settings and calls.",
  details: [
    "The module is loaded without a host, in a process of its own. It has no access to files, network, environment, programs and native code, and imports only from the hosts that Deno trusts. " +
    `It gets ${LOAD_LIMIT_SECS} s, and 2 GiB of memory where the system can limit that. No function of the processor is called.`,
    "A Python module, whose name ends with .py, is loaded by the Python that a host would run it with: the .venv beside or above it, else python3. It has the same limits, but all rights of this user: inspect only what you would run.",
    "The module's project is used as it is: its deno.json or package.json, its node_modules and its lock file, which is not changed.",
  ],
  operands: [{
    label: "MODULE",
    meaning: "the processor's file, or its URL (file:, https:, jsr:, npm:)",
  }],
  options: [JSON_OUTPUT, ALLOW],
  json: { form: "an object", fields: FIELDS },
  needs: ["run", "sys"],
  examples: [
    "inspect blur.ts",
    "inspect blur.ts --json",
    "inspect detector.ts --allow env,read",
  ],
  run,
};

async function run({ args, console }: Invocation): Promise<ExitCode> {
  const given = args.operands[0]!;
  const module = moduleUrl(given);
  const allowed = args.get(ALLOW) ?? [];
  if (isPythonModule(module)) refuseRights(given, allowed);
  const found = isPythonModule(module)
    ? await inspectPython(console, module)
    : await inspectModule(console, module, allowed);
  if (!("description" in found)) {
    const { problem, output, asked, isItsError } = found;
    throw new CommandError(
      EXIT.failed,
      `Cannot inspect '${given}': ${problem}`,
      asked !== undefined
        ? `${PROGRAM} inspect ${given} --allow ${[...allowed, asked].join(",")}`
        : isItsError
        ? runLine(given, allowed)
        : `${PROGRAM} inspect --help`,
      endOf(output),
    );
  }
  const { out } = console;
  if (args.has(JSON_OUTPUT)) writeJson(out, found.description);
  else writeLines(out, descriptionLines(given, found.description, out));
  return EXIT.done;
}

/** Python has no permissions: none can be given to its module, and none are missing. */
function refuseRights(
  given: string,
  allowed: readonly LoadPermission[],
): void {
  if (allowed.length === 0) return;
  throw new CommandError(
    EXIT.usage,
    `Cannot inspect '${given}' with --allow: a Python module is loaded with all rights of this user`,
    `${PROGRAM} inspect ${given}`,
  );
}

/** The command line by which Deno shows the same error, with its place in the code. */
function runLine(given: string, allowed: readonly LoadPermission[]): string {
  const flags = allowed.map((kind) => `--allow-${kind}`);
  return ["deno run", ...flags, given].join(" ");
}

const MOST_LINES = 20;
const MOST_CHARACTERS = 300;

/** The last lines of what a module wrote; without those of the program that has loaded it. */
function endOf(output: string): string[] {
  return output.split("\n")
    .filter((line) => line.trim() !== "" && !line.includes(JAVASCRIPT_URL))
    .slice(-MOST_LINES)
    .map((line) =>
      line.length > MOST_CHARACTERS
        ? `${line.slice(0, MOST_CHARACTERS)}…`
        : line
    );
}

function moduleUrl(given: string): URL {
  if (/^[a-z]{3,5}:/.test(given)) {
    const url = URL.parse(given);
    if (url !== null) return url;
  }
  const path = resolve(given);
  let isFile = false;
  try {
    isFile = Deno.statSync(path).isFile;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  if (isFile) return pathToFileURL(path);
  throw new CommandError(
    EXIT.notFound,
    `Cannot inspect '${given}': there is no file ${path}`,
    `${PROGRAM} inspect --help`,
  );
}
