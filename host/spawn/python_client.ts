/**
 * Clients in Python: a `.py` file, run by a Python of the user with this library's
 * package.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import { absolutePermissions } from "./client_arguments.ts";
import type { ClientKind, LaunchPlace, SpawnOptions } from "./client_kind.ts";
import {
  checkEnforceable,
  confined,
  confinementSystem,
} from "./confinement.ts";
import { OWN_PLACE } from "./kept_files.ts";
import { givenPath } from "./paths.ts";
import { servicesFolder } from "./services_folder.ts";
import { shimFile } from "./shim_file.ts";
import { executableOf, type PythonChoice } from "./python/executable.ts";
import { findPython } from "./python/find_python.ts";
import { pythonFolder } from "./python/python_folder.ts";
import { modulePlaces, pythonPlaces } from "./python/python_places.ts";
import { runTool } from "./python/tool.ts";
import { scriptMetadata, UV, uvPython } from "./python/uv.ts";

/** The options that are Deno's. */
const DENOS = ["config", "deno", "inspect"] as const;

/** What a client is started with. */
interface Prepared {
  readonly python: PythonChoice;
  /** The folder that Python runs. */
  readonly folder: string;
  /** The path of the shim. */
  readonly library: string;
}

/**
 * Returns the kind for one host. The interpreter is found when the first client is
 * started, and stays the same.
 *
 * @throws {BridgeError} `bad_argument` if an option is not valid, `not_permitted` if
 * there are permissions that nothing would enforce
 */
export function pythonClient(
  options: SpawnOptions,
  place: LaunchPlace,
): ClientKind {
  const module = localPath(options.module);
  const home = place.variable("HOME");
  refuseDenos(options);
  const asked = options.permissions ?? (options.confine ? {} : undefined);
  const permissions = asked && absolutePermissions(asked, place.folder);
  const system = confinementSystem(place);
  checkEnforceable(permissions, "python", system);
  const search = {
    module,
    given: options.python === undefined || options.python === UV
      ? options.python
      : givenPython(options.python, place.folder),
    path: place.variable("PATH"),
    os: Deno.build.os,
  };
  let python: PythonChoice | undefined;
  /** The metadata of the script for which uv has chosen the interpreter. */
  let metadata: string | undefined;
  let prepared: Prepared | undefined;

  const choose = async (signal: AbortSignal): Promise<PythonChoice> => {
    const run = (program: string, args: readonly string[]) =>
      runTool(program, args, { folder: place.folder, signal });
    if (search.given !== UV) {
      return python ?? await executableOf(findPython(search), place, run);
    }
    const now = await scriptMetadata(module);
    if (python !== undefined && now === metadata) return python;
    metadata = now;
    return await uvPython(module, run, (chunk) => options.output(chunk));
  };

  return {
    async prepare(signal) {
      python = await choose(signal);
      prepared = {
        python,
        folder: await pythonFolder("client/python"),
        library: await shimFile(OWN_PLACE),
      };
    },
    command(bridgeEnv, bootstrap) {
      if (prepared === undefined) {
        throw new Error("prepare() is called before command()");
      }
      const { folder, library, python: { program } } = prepared;
      return confined(
        {
          program,
          args: ["-u", "-X", "utf8", folder, module, options.name],
          env: {
            STREAMLIB_LIBRARY: library,
            // No bytecode is written beside the user's module. For that of the package see `__main__.py`.
            PYTHONDONTWRITEBYTECODE: "1",
          },
        },
        permissions,
        {
          runtime: "python",
          library,
          reads: [folder, library],
          mayRead: [
            ...modulePlaces(module, home),
            ...pythonPlaces(program, home),
          ],
          memory: options.memoryLimit,
          services: permissions && servicesFolder(bridgeEnv, bootstrap),
        },
        system,
      );
    },
    adviceFor: (_, cause) => adviceFor(cause),
    explain: (text) => explain(text, python),
  };
}

/** Returns the path of a module. Python imports nothing from a URL. */
function localPath(module: URL): string {
  if (module.protocol === "file:") {
    return givenPath(module, "module", undefined);
  }
  throw new BridgeError(
    "bad_argument",
    `Cannot launch ${module}: a Python module must be a local file; copy it to this ` +
      "machine and give its file: URL, such as new URL('./blur.py', import.meta.url)",
  );
}

function refuseDenos(options: SpawnOptions): void {
  for (const name of DENOS) {
    if (options[name] === undefined || options[name] === false) continue;
    throw new BridgeError(
      "bad_argument",
      `Cannot launch ${options.module} with the option \`${name}\`, which is for modules ` +
        "that Deno runs; leave it out, or use `python` to choose the interpreter",
    );
  }
}

/** Returns the option `python` in a form that means the same in every folder. A name without a slash is searched for in PATH. */
function givenPython(python: string, folder: string | undefined): string {
  const isPath = python.includes("/");
  return givenPath(python, "python", isPath ? folder : undefined);
}

/** What to do if the interpreter could not be started. */
function adviceFor(cause: unknown): string {
  if (cause instanceof Deno.errors.NotCapable) {
    return "; the host needs --allow-run for this program";
  }
  return "; set the option `python` to the path of a Python interpreter that this user may run";
}

/** Says which interpreter ran, where that explains an error. */
function explain(text: string, python: PythonChoice | undefined): string {
  if (python === undefined) return "";
  const ran = `the interpreter was ${python.program} (${python.because})`;
  const [, missing] =
    /ModuleNotFoundError: No module named ['"]([\w.]+)['"]/.exec(text) ?? [];
  if (missing !== undefined) {
    return `\n${ran}; install what has '${missing}' for it, or set the option \`python\` to another one`;
  }
  // An interpreter that does not know the options cannot run __main__.py, which would say so.
  return /^(?:Unknown option: -X|-X is reserved)/m.test(text)
    ? `\n${ran}, which is not Python 3; set the option \`python\` to a CPython of 3.9 or later`
    : "";
}
