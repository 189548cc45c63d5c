/**
 * Finding and loading the shim: the only `Deno.dlopen` there is.
 *
 * @module
 */

import { readVariable } from "../proto/environment.ts";
import { BridgeError } from "../proto/errors.ts";
import { permittedEnvironment } from "./environment.ts";
import { ABI_VERSION, SYMBOLS, type Symbols } from "./symbols.ts";

/** Where `deno task build` puts the shim for this system. */
export function builtLibrary(): URL {
  const suffix = Deno.build.os === "darwin" ? "dylib" : "so";
  return new URL(
    `../c/out/${Deno.build.os}-${Deno.build.arch}/libstreamlib_bridge.${suffix}`,
    import.meta.url,
  );
}

/**
 * Loads the shim: the file that STREAMLIB_LIBRARY names, else the build of
 * this checkout. Throws `library_not_found` when there is none or it cannot be
 * loaded, `not_permitted` without ffi permission, `version_mismatch` when it
 * was built from another version of this library.
 */
export function loadLibrary(): Deno.DynamicLibrary<typeof SYMBOLS> {
  const override = readVariable(permittedEnvironment(), "STREAMLIB_LIBRARY");
  const path = override ?? builtLibrary();
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
    const advice = override === undefined
      ? "run `deno task build` in the checkout"
      : "mend or unset STREAMLIB_LIBRARY";
    throw new BridgeError(
      "library_not_found",
      `Cannot load the shim ${shown}: ${(cause as Error).message}; ${advice}`,
      { cause },
    );
  }
  const version = library.symbols.slb_abi_version();
  if (version !== ABI_VERSION) {
    library.close();
    throw new BridgeError(
      "version_mismatch",
      `Cannot use the shim ${shown}: its ABI is version ${version}, ` +
        `this library's is ${ABI_VERSION}; run \`deno task build\``,
    );
  }
  return library;
}

export type { Symbols };
