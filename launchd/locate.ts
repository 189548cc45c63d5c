/**
 * What an installed broker is made of: this Deno, this package's module, its
 * shim, and the directory of what Deno has downloaded, with the names of the
 * registries that it came from.
 *
 * @module
 */

import { permittedEnvironment } from "../ffi/environment.ts";
import type { EnvironmentSource } from "../proto/environment.ts";
import type { Names } from "../proto/names.ts";
import {
  type BrokerProgram,
  brokerProgram,
  isRemote,
} from "./broker_program.ts";
import { lockFileOf, makePrivateDirectory, removeFile } from "./files.ts";
import { complaintOf, type RunProgram } from "./run_program.ts";
import { ServiceError } from "./service_error.ts";

/** The broker's main module, in whichever form this package came. */
const MAIN: string = import.meta.resolve("../broker/main.ts");

/** What names other registries than Deno's own. */
const REGISTRIES = ["JSR_URL", "NPM_CONFIG_REGISTRY"];

/** What is to be run, where it is not this Deno with this package's own module. */
export interface ProgramChoice {
  /** The absolute path of a compiled `streamlib-broker`. */
  readonly binary?: string | undefined;
  /** The URL of another package's `broker/main.ts`. */
  readonly module?: string;
}

/**
 * The program of a broker with these names. What its module imports is in
 * Deno's cache then: the broker itself downloads nothing.
 *
 * @throws {ServiceError} `bad_argument` where a file is not there, `refused`
 * where the module cannot be had
 * @throws {BridgeError} as `brokerProgram` and `locateLibrary` do
 */
export async function locateBroker(
  names: Names,
  run: RunProgram,
  { binary, module = MAIN }: ProgramChoice = {},
): Promise<BrokerProgram> {
  // Only now: in a package it is the module with the shim's bytes.
  const { locateLibrary } = await import("../ffi/library/library.ts");
  const library = locateLibrary();
  await checkFile("its shim", library, "deno task build");
  if (binary !== undefined) {
    await checkFile("the broker", binary, "deno task compile");
    return brokerProgram({
      names,
      runtime: binary,
      module: undefined,
      library,
    });
  }
  const runtime = Deno.execPath();
  // A checkout's imports are in its `deno.json`, which is edited: a lock would be out of date at once.
  const lockFile = isRemote(module) ? lockFileOf(names) : undefined;
  if (lockFile === undefined) {
    await fetchModule(runtime, module, ["--no-lock"], run);
  } else {
    await makePrivateDirectory(names.home);
    await fetchLocked(runtime, module, lockFile, run);
  }
  const denoDir = await denoDirectory(runtime, run);
  return brokerProgram({
    names,
    runtime,
    module,
    library,
    registries: registriesIn(permittedEnvironment()),
    ...(denoDir !== undefined && { denoDir }),
    ...(lockFile !== undefined && { lockFile }),
  });
}

/** Nothing here imports the broker, so Deno may not have it yet. Where it has, it does not ask the net. */
async function fetchModule(
  deno: string,
  module: string,
  flags: readonly string[],
  run: RunProgram,
): Promise<void> {
  const ran = await run(deno, ["cache", "--quiet", ...flags, module]);
  if (ran?.code === 0) return;
  throw new ServiceError(
    "refused",
    `Cannot install ${module} as the broker: ${
      ran ? complaintOf(ran) : `there is no ${deno}`
    }`,
    `deno cache ${module}`,
  );
}

/**
 * Writes down what it has fetched; what was written down before, stays as it
 * is. A broker that starts meanwhile finds the file before, or the whole new
 * one.
 */
async function fetchLocked(
  deno: string,
  module: string,
  lockFile: string,
  run: RunProgram,
): Promise<void> {
  const fresh = `${lockFile}.${crypto.randomUUID()}.tmp`;
  try {
    await Deno.copyFile(lockFile, fresh).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    const flags = [`--lock=${fresh}`, "--frozen=false", "--no-config"];
    await fetchModule(deno, module, flags, run);
    await Deno.rename(fresh, lockFile);
  } finally {
    await removeFile(fresh);
  }
}

/** Where Deno keeps its downloads: the manager's environment is not the one that this was typed in. */
async function denoDirectory(
  deno: string,
  run: RunProgram,
): Promise<string | undefined> {
  const ran = await run(deno, ["info", "--json"]);
  if (ran?.code !== 0) return undefined;
  const { denoDir } = JSON.parse(ran.stdout) as { denoDir?: string };
  return denoDir;
}

/** The registries that Deno has been told, without the password that one may be named with: others can read what is installed, and nothing is downloaded. */
function registriesIn(env: EnvironmentSource): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of REGISTRIES) {
    const url = URL.parse(env.get(name) ?? "");
    if (url === null) continue;
    url.username = url.password = "";
    found[name] = url.href;
  }
  return found;
}

async function checkFile(
  what: string,
  path: string,
  next: string,
): Promise<void> {
  const info = await Deno.stat(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  if (info?.isFile) return;
  throw new ServiceError(
    "bad_argument",
    `Cannot install ${path} as ${what}: ${
      info ? "it is no file" : "it is not there"
    }`,
    next,
  );
}
