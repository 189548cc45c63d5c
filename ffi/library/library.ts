/**
 * Finds and loads the shim.
 *
 * @module
 */

import { readVariable } from "../../proto/environment.ts";
import { BridgeError } from "../../proto/errors.ts";
import { PACKAGE_ROOT } from "../../proto/package_root.ts";
import { permittedEnvironment } from "../environment.ts";
import { ABI_VERSION, ELSEWHERE, SYMBOLS, type Symbols } from "../symbols.ts";
import { LINUX_C, MACOS_C } from "./c_library.ts";
import { type Functions, openLibrary } from "./functions.ts";
import { memoryFile } from "./memory_file.ts";
import { OWN_SHIM } from "./prebuilt/mod.ts";
import type { Prebuilt } from "./prebuilt/prebuilt.ts";
import { loadTemporary, temporaryFolder } from "./temporary_file.ts";

const PLATFORM = `${Deno.build.os}-${Deno.build.arch}`;

/** The file name of the shim for this system. */
export const LIBRARY_NAME: string = `libstreamlib_bridge.${
  Deno.build.os === "darwin" ? "dylib" : "so"
}`;

/** All functions of the loaded shim. */
const ALL = { ...SYMBOLS, ...ELSEWHERE };

/** The loaded shim. */
type Loaded = Deno.DynamicLibrary<typeof ALL>;

/** The shim that a process loads. */
export type ShimChoice =
  | {
    /** `variable`: the file that STREAMLIB_LIBRARY names. `build`: the build of this checkout. */
    readonly source: "variable" | "build";
    /** The file's path; the URL of a module's folder that is not on this machine. */
    readonly path: string;
  }
  | {
    /** The package's own, which is in no file. */
    readonly source: "package";
    readonly prebuilt: Prebuilt;
  };

const ADVICE: Readonly<Record<ShimChoice["source"], string>> = {
  variable: "correct or unset STREAMLIB_LIBRARY",
  build: "run `deno task build` in the checkout; if the package has no shim " +
    `for ${PLATFORM}, set STREAMLIB_LIBRARY to the path of one`,
  package: "or set STREAMLIB_LIBRARY to the path of a shim in a file",
};

/** What more to say of the permission: the package's shim has no path that a flag could name. */
const ALL_OF_FFI = ", for every path; or set STREAMLIB_LIBRARY to the path " +
  "of a shim, and permit that path";

/** The place where `deno task build` puts the shim for this system. */
export function builtLibrary(): URL {
  return new URL(`c/out/${PLATFORM}/${LIBRARY_NAME}`, PACKAGE_ROOT);
}

/**
 * Returns the shim that {@link loadLibrary} would load: the file that
 * STREAMLIB_LIBRARY names, else the build of this checkout, else the package's
 * own. If there is none, the build's place, where it is missing.
 *
 * Throws `bad_argument` if STREAMLIB_LIBRARY is not an absolute path, and
 * `version_mismatch` if the package's own has another ABI than this library.
 */
export function chosenShim(): ShimChoice {
  const named = readVariable(permittedEnvironment(), "STREAMLIB_LIBRARY");
  if (named !== undefined) return { source: "variable", path: named };
  if (OWN_SHIM === undefined || isBuilt()) {
    const built = builtLibrary();
    const path = built.protocol === "file:"
      ? decodeURIComponent(built.pathname)
      : built.href;
    return { source: "build", path };
  }
  if (OWN_SHIM.abi === ABI_VERSION) {
    return { source: "package", prebuilt: OWN_SHIM };
  }
  throw wrongVersion("of this package", OWN_SHIM.abi, "install it again");
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

/**
 * Loads the shim. Throws `library_not_found` if there is none or it cannot be
 * loaded, `not_permitted` without permission for ffi, `version_mismatch` if it
 * was built from another version of this library, and what {@link chosenShim}
 * throws.
 */
export function loadLibrary(): Loaded {
  return load(ALL);
}

/** Loads the shim for its clock alone, in a hundredth of the time. Throws what {@link loadLibrary} throws. */
export function loadClock(): Deno.DynamicLibrary<typeof CLOCK_SYMBOLS> {
  return load(CLOCK_SYMBOLS);
}

const CLOCK_SYMBOLS = {
  slb_abi_version: SYMBOLS.slb_abi_version,
  slb_now_ns: SYMBOLS.slb_now_ns,
} as const;

/** The functions to load: the version is checked with one of them. */
type Wanted = Functions & Pick<typeof SYMBOLS, "slb_abi_version">;

function load<S extends Wanted>(symbols: S): Deno.DynamicLibrary<S> {
  const choice = chosenShim();
  const { source } = choice;
  const shown = source === "package" ? "of this package" : choice.path;
  let library: Deno.DynamicLibrary<S>;
  try {
    library = source === "package"
      ? loadOwn(choice.prebuilt, symbols)
      : openLibrary(choice.path, symbols);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) {
      throw new BridgeError(
        "not_permitted",
        `Cannot load the shim ${shown}: run Deno with --allow-ffi${
          source === "package" ? ALL_OF_FFI : ""
        }`,
        { cause },
      );
    }
    throw new BridgeError(
      "library_not_found",
      `Cannot load the shim ${shown}: ${(cause as Error).message}; ${
        ADVICE[source]
      }`,
      { cause },
    );
  }
  const version = (library as Deno.DynamicLibrary<Wanted>).symbols
    .slb_abi_version();
  if (version !== ABI_VERSION) {
    library.close();
    throw wrongVersion(shown, version, ADVICE[source]);
  }
  return library;
}

function loadOwn<S extends Wanted>(
  prebuilt: Prebuilt,
  symbols: S,
): Deno.DynamicLibrary<S> {
  const load = (path: string): Deno.DynamicLibrary<S> =>
    openLibrary(path, symbols);
  if (Deno.build.os === "darwin") {
    const c = Deno.dlopen("/usr/lib/libSystem.B.dylib", MACOS_C);
    try {
      const folder = temporaryFolder(c.symbols);
      return loadTemporary(prebuilt, folder, c.symbols, load);
    } finally {
      c.close();
    }
  }
  const c = Deno.dlopen("libc.so.6", LINUX_C);
  try {
    return load(memoryFile(prebuilt, c.symbols));
  } finally {
    c.close();
  }
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
