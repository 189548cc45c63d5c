/**
 * The local files of a module: itself, and what it imports at any depth.
 *
 * @module
 */

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { takeEnvironment } from "../spawn/client_environment.ts";
import { absoluteProgram, denoProgram } from "../spawn/executable.ts";
import { givenPath } from "../spawn/paths.ts";

/** The longest time that Deno gets to find them; it may download modules. */
const LIMIT_MS = 120_000;

/** What finds the files of a module. */
export interface ModuleFilesOptions {
  /** The module, a local file. */
  readonly module: URL;
  /** The Deno executable; `undefined` for the one of this process. */
  readonly deno: string | undefined;
  /** The `deno.json` that resolves its imports; `undefined` for the one that Deno finds. */
  readonly config: string | URL | undefined;
}

/** Returns the paths of a module's files as they are now. Without an answer of Deno, as for a module with a syntax error, only those that are known without one. */
export type FindFiles = (signal: AbortSignal) => Promise<ReadonlySet<string>>;

/**
 * Returns what finds the files of a module.
 *
 * @throws {BridgeError} `bad_argument` if the module is no local file
 */
export function moduleFiles(
  { module, deno, config }: ModuleFilesOptions,
): FindFiles {
  const path = givenPath(module, "watch: true for", undefined);
  const folder = dirname(path);
  const given = deno && absoluteProgram(deno, folder);
  const known = config === undefined
    ? [path]
    : [path, givenPath(config, "config", folder)];
  const options = config === undefined ? [] : ["--config", known[1]!];
  const env = takeEnvironment({});
  return async (signal) => {
    const command = new Deno.Command(denoProgram(given), {
      args: ["info", "--quiet", "--no-lock", "--json", ...options, module.href],
      clearEnv: true,
      env,
      cwd: folder,
      stdin: "null",
      stderr: "null",
      signal: AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]),
    });
    const { success, stdout } = await command.output();
    return new Set([...known, ...success ? pathsIn(stdout) : []]);
  };
}

/** The paths of the local modules in what `deno info` has printed. */
function pathsIn(json: Uint8Array): string[] {
  const { modules = [] } = JSON.parse(new TextDecoder().decode(json)) as {
    readonly modules?: readonly {
      readonly specifier: string;
      readonly local?: string | null;
    }[];
  };
  // A module that is wrong or missing has no `local`: it is mended where it should be.
  return modules.flatMap(({ specifier, local }) =>
    local ?? (specifier.startsWith("file:") ? fileURLToPath(specifier) : [])
  );
}
