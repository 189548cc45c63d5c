/**
 * Finding and loading the shim: the only `Deno.dlopen` there is.
 *
 * @module
 */

import { readVariable } from "../../proto/environment.ts";
import { BridgeError } from "../../proto/errors.ts";
import { homeDirectory } from "../../proto/names.ts";
import { permittedEnvironment } from "../environment.ts";
import { cachedLibrary } from "./library_cache.ts";
import { OWN_SHIM } from "./prebuilt/mod.ts";
import { ABI_VERSION, SYMBOLS, type Symbols } from "../symbols.ts";

const PLATFORM = `${Deno.build.os}-${Deno.build.arch}`;
const NAME = `libstreamlib_bridge.${
  Deno.build.os === "darwin" ? "dylib" : "so"
}`;

/** Where `deno task build` puts the shim for this system. */
export function builtLibrary(): URL {
  return new URL(`../../c/out/${PLATFORM}/${NAME}`, import.meta.url);
}

/**
 * The file that the package's own shim was written to, as `cachedLibrary`
 * does it, below `lib/` in STREAMLIB_HOME; `undefined` where another is used:
 * STREAMLIB_LIBRARY names one, this is a checkout with a build, or the package
 * has none for this system. A process that may neither read nor write, as a
 * client, is told this path in STREAMLIB_LIBRARY by the one that started it.
 *
 * Throws as `cachedLibrary` does, and `bad_argument` when there is no home
 * directory.
 */
export function embeddedLibrary(): string | undefined {
  const env = permittedEnvironment();
  if (readVariable(env, "STREAMLIB_LIBRARY") !== undefined) return undefined;
  if (OWN_SHIM === undefined || isBuilt()) return undefined;
  if (OWN_SHIM.abi !== ABI_VERSION) {
    throw wrongVersion(
      "of this package",
      OWN_SHIM.abi,
      "install it again",
    );
  }
  return cachedLibrary(OWN_SHIM, `${homeDirectory(env)}/lib`, NAME);
}

/** Whether this is a checkout with a build. Where it may not look there is none: it is not worth a question to the user. */
function isBuilt(): boolean {
  const path = builtLibrary();
  if (path.protocol !== "file:") return false;
  const query = { name: "read", path } as const;
  if (Deno.permissions.querySync(query).state !== "granted") return false;
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A shim to load, and what to do when that fails. */
interface Choice {
  readonly path: string | URL;
  readonly advice: string;
}

function chooseLibrary(): Choice {
  const named = readVariable(permittedEnvironment(), "STREAMLIB_LIBRARY");
  if (named !== undefined) {
    return { path: named, advice: "mend or unset STREAMLIB_LIBRARY" };
  }
  const embedded = embeddedLibrary();
  if (embedded !== undefined) {
    return {
      path: embedded,
      advice:
        "set STREAMLIB_HOME to a directory that code may be loaded from, " +
        "or name a shim that was built on this machine in STREAMLIB_LIBRARY",
    };
  }
  return {
    path: builtLibrary(),
    advice: "run `deno task build` in the checkout; a package without one " +
      `for ${PLATFORM} needs the path of a shim in STREAMLIB_LIBRARY`,
  };
}

/**
 * The absolute path of the shim that {@link loadLibrary} would load, for who
 * tells another process of it. Throws `library_not_found` where this is no
 * file on this machine, and as {@link embeddedLibrary} does.
 */
export function locateLibrary(): string {
  const { path, advice } = chooseLibrary();
  if (typeof path === "string") return path;
  if (path.protocol === "file:") return decodeURIComponent(path.pathname);
  throw new BridgeError(
    "library_not_found",
    `Cannot locate the shim: it would be at ${path}; ${advice}`,
  );
}

/**
 * Loads the shim: the file that STREAMLIB_LIBRARY names, else the build of
 * this checkout, else the package's own. Throws `library_not_found` when there
 * is none or it cannot be loaded, `not_permitted` without ffi permission,
 * `version_mismatch` when it was built from another version of this library,
 * and for the package's own as {@link embeddedLibrary} does.
 */
export function loadLibrary(): Deno.DynamicLibrary<typeof SYMBOLS> {
  const { path, advice } = chooseLibrary();
  const shown = typeof path === "string" ? path : decodeURI(path.pathname);
  let library: Deno.DynamicLibrary<typeof SYMBOLS>;
  try {
    library = Deno.dlopen(path, SYMBOLS);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) {
      throw new BridgeError(
        "not_permitted",
        `Cannot load the shim ${shown}: run Deno with --allow-ffi`,
        { cause },
      );
    }
    throw new BridgeError(
      "library_not_found",
      `Cannot load the shim ${shown}: ${(cause as Error).message}; ${advice}`,
      { cause },
    );
  }
  const version = library.symbols.slb_abi_version();
  if (version !== ABI_VERSION) {
    library.close();
    throw wrongVersion(shown, version, advice);
  }
  return library;
}

function wrongVersion(
  shown: string,
  version: number,
  advice: string,
): BridgeError {
  return new BridgeError(
    "version_mismatch",
    `Cannot use the shim ${shown}: its ABI is version ${version}, ` +
      `this library's is ${ABI_VERSION}; ${advice}`,
  );
}

export type { Symbols };
