/**
 * Finds the parts of an installed broker: this Deno, this package's module, its shim,
 * Deno's cache directory, and the registries in use.
 *
 * @module
 */

import { permittedEnvironment } from "../ffi/environment.ts";
import type { EnvironmentSource } from "../proto/environment.ts";
import type { Names } from "../proto/names.ts";
import { packageModule } from "../proto/package_root.ts";
import {
  type BrokerProgram,
  brokerProgram,
  isRemote,
} from "./broker_program.ts";
import { lockFileOf, makePrivateDirectory, removeFile } from "./files.ts";
import { checkReadable, keepParts, keepShim } from "./kept_copy.ts";
import { complaintOf, type RunProgram } from "./run_program.ts";
import { ServiceError } from "./service_error.ts";

/** The URL of the broker's main module. */
const MAIN: string = packageModule("broker/main").href;

/** The variables that set other registries than the default ones. */
const REGISTRIES = ["JSR_URL", "NPM_CONFIG_REGISTRY"];

/** Another program than this Deno with this package's own module. */
export interface ProgramChoice {
  /** The absolute path of a compiled `streamlib-broker`. */
  readonly binary?: string | undefined;
  /** The URL of another package's `broker/main.ts`. */
  readonly module?: string;
}

/**
 * Returns the program of a broker with these names. Copies what the service manager
 * could not run where it is. Downloads the module and its imports to Deno's cache first, because the
 * broker itself downloads nothing.
 *
 * @throws {ServiceError} `bad_argument` if a file is missing, `refused` if the module
 * cannot be downloaded
 * @throws {BridgeError} as `brokerProgram` and `chosenShim` do
 */
export async function locateBroker(
  names: Names,
  run: RunProgram,
  { binary, module = MAIN }: ProgramChoice = {},
): Promise<BrokerProgram> {
  // Loaded on demand: in a package this module contains the shim.
  const { chosenShim, LIBRARY_NAME } = await import(
    "../ffi/library/library.ts"
  );
  const shim = chosenShim();
  const library = shim.source === "package"
    ? await keepShim(names, shim.prebuilt, LIBRARY_NAME)
    : shim.path;
  await checkFile("its shim", library, "deno task build");
  if (binary !== undefined) {
    await checkFile("the broker", binary, "deno task compile");
    const { parts, remarks } = await keepParts(names, {
      runtime: binary,
      module: undefined,
      library,
    });
    return { ...brokerProgram({ names, ...parts }), remarks };
  }
  if (Deno.build.standalone) {
    throw new ServiceError(
      "bad_argument",
      `Cannot run a broker with ${Deno.execPath()}: it was made by deno compile, and would start itself`,
      "install a broker with `streamlib broker install`, and start this program again",
    );
  }
  const deno = Deno.execPath();
  const denoDir = await denoDirectory(deno, run);
  if (denoDir !== undefined) {
    await checkReadable(names, {
      what: "Deno's cache",
      folder: denoDir,
      advice: "Let Deno use its own cache, or name another folder in DENO_DIR",
      next: "unset DENO_DIR",
    });
  }
  const lockFile = lockFileOf(names);
  const { parts, remarks } = await keepParts(names, {
    runtime: deno,
    module,
    library,
  });
  makePrivateDirectory(names.home);
  await fetchLocked(deno, parts.module ?? module, lockFile, run);
  const program = brokerProgram({
    names,
    ...parts,
    lockFile,
    registries: registriesIn(permittedEnvironment()),
    ...(denoDir !== undefined && { denoDir }),
  });
  return { ...program, remarks };
}

/** Downloads a module and its imports, if they are not in Deno's cache. */
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
 * Downloads a module and writes the lock file of the installed broker. It begins with
 * the checkout's lock file or, for a package, with the broker's last one. The file is
 * replaced atomically, for a broker that starts meanwhile.
 */
async function fetchLocked(
  deno: string,
  module: string,
  lockFile: string,
  run: RunProgram,
): Promise<void> {
  const fresh = `${lockFile}.${crypto.randomUUID()}.tmp`;
  const remote = isRemote(module);
  try {
    const first = remote ? lockFile : new URL("../deno.lock", module);
    await Deno.copyFile(first, fresh).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    const flags = [
      `--lock=${fresh}`,
      "--frozen=false",
      ...(remote ? ["--no-config"] : []),
    ];
    await fetchModule(deno, module, flags, run);
    await Deno.rename(fresh, lockFile);
  } finally {
    await removeFile(fresh);
  }
}

/** Deno's cache directory in this environment: the service manager's environment may have another one. */
async function denoDirectory(
  deno: string,
  run: RunProgram,
): Promise<string | undefined> {
  const ran = await run(deno, ["info", "--json"]);
  if (ran?.code !== 0) return undefined;
  const { denoDir } = JSON.parse(ran.stdout) as { denoDir?: string };
  return denoDir;
}

/** The registries in the environment, without user and password in the URL: other users can read the installed files, and the broker downloads nothing. */
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
      info ? "it is not a regular file" : "it does not exist"
    }`,
    next,
  );
}
