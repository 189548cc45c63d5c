/**
 * The package's own shim for this system.
 *
 * There is one module per system, and only that of this system is evaluated,
 * by a dynamic import. Opening the shim is synchronous, so the import is awaited
 * here, before any module that imports this one runs.
 *
 * @module
 */

import { permittedEnvironment } from "../../environment.ts";
import type { Prebuilt } from "./prebuilt.ts";

type Load = () => Promise<{ readonly PREBUILT: Prebuilt | undefined }>;

/** The specifiers are literals: the registry finds no others, and Deno needs no permission for them. */
const MODULES: Readonly<Record<string, Load>> = {
  "darwin-aarch64": () => import("./darwin_aarch64.ts"),
  "darwin-x86_64": () => import("./darwin_x86_64.ts"),
  "linux-aarch64": () => import("./linux_aarch64.ts"),
  "linux-x86_64": () => import("./linux_x86_64.ts"),
};

/** The package's shim for this system. Undefined if it has none, or if STREAMLIB_LIBRARY names another. */
export const OWN_SHIM: Prebuilt | undefined = await load();

async function load(): Promise<Prebuilt | undefined> {
  if (permittedEnvironment().get("STREAMLIB_LIBRARY")) return undefined;
  const module = MODULES[`${Deno.build.os}-${Deno.build.arch}`];
  return (await module?.())?.PREBUILT;
}
