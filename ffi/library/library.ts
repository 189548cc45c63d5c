/**
 * Finds and loads the shim. The only file that calls `Deno.dlopen`.
 *
 * @module
 */

import { readVariable } from "../../proto/environment.ts";
import { BridgeError } from "../../proto/errors.ts";
import { homeDirectory } from "../../proto/names.ts";
import { permittedEnvironment } from "../environment.ts";
import { cachedLibrary } from "./library_cache.ts";
import { writtenByAnotherDeno } from "./library_writer.ts";
import { OWN_SHIM } from "./prebuilt/mod.ts";
import { ABI_VERSION, SYMBOLS, type Symbols } from "../symbols.ts";

const PLATFORM = `${Deno.build.os}-${Deno.build.arch}`;
const NAME = `libstreamlib_bridge.${
  Deno.build.os === "darwin" ? "dylib" : "so"
}`;

/** The place where `deno task build` puts the shim for this system. */
export function builtLibrary(): URL {
  return new URL(`../../c/out/${PLATFORM}/${NAME}`, import.meta.url);
}

/**
 * Returns the file of the package's own shim, below `lib/` in STREAMLIB_HOME,
 * and writes it first if needed. Returns undefined if another shim is used:
 * STREAMLIB_LIBRARY names one, or this is a checkout with a build, or the
 * package has no shim for this system. A process without permission to read and
 * write, such as a client, gets this path in STREAMLIB_LIBRARY from its parent.
 *
 * Throws what `cachedLibrary` throws, and `bad_argument` if there is no home
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
  const cache = `${homeDirectory(env)}/lib`;
  return cachedLibrary(
    OWN_SHIM,
    cache,
    NAME,
    () => writtenByAnotherDeno(import.meta.url, cache),
  );
}

/** Whether this is a checkout with a build. Without permission to read it is not: a permission prompt would not be worth it. */
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

/** A shim to load, and advice for when that fails. */
interface Choice {
  readonly path: string | URL;
  readonly advice: string;
}

function chooseLibrary(): Choice {
  const named = readVariable(permittedEnvironment(), "STREAMLIB_LIBRARY");
  if (named !== undefined) {
    return { path: named, advice: "correct or unset STREAMLIB_LIBRARY" };
  }
  const embedded = embeddedLibrary();
  if (embedded !== undefined) {
    return {
      path: embedded,
      advice:
        "set STREAMLIB_HOME to a directory from which code can be loaded, " +
        "or set STREAMLIB_LIBRARY to a shim that was built on this machine",
    };
  }
  return {
    path: builtLibrary(),
    advice:
      "run `deno task build` in the checkout; if the package has no shim " +
      `for ${PLATFORM}, set STREAMLIB_LIBRARY to the path of one`,
  };
}

/**
 * Returns the absolute path of the shim that {@link loadLibrary} would load, to
 * be passed to another process. Throws `library_not_found` if it is not a file
 * on this machine, and what {@link embeddedLibrary} throws.
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
 * this checkout, else the package's own. Throws `library_not_found` if there is
 * none or it cannot be loaded, `not_permitted` without permission for ffi,
 * `version_mismatch` if it was built from another version of this library, and
 * what {@link embeddedLibrary} throws.
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
