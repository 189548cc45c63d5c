/**
 * The shim that this package brings for this system.
 *
 * One module a system, and only this system's is evaluated. That takes an
 * import that is awaited, while a shim is opened synchronously: so it is
 * awaited here, before anything that imports this runs.
 *
 * @module
 */

import { permittedEnvironment } from "../../environment.ts";
import type { Prebuilt } from "./prebuilt.ts";

type Load = () => Promise<{ readonly PREBUILT: Prebuilt | undefined }>;

/** Literal specifiers: the registry sees no others, and Deno asks no permission for them. */
const MODULES: Readonly<Record<string, Load>> = {
  "darwin-aarch64": () => import("./darwin_aarch64.ts"),
  "darwin-x86_64": () => import("./darwin_x86_64.ts"),
  "linux-aarch64": () => import("./linux_aarch64.ts"),
  "linux-x86_64": () => import("./linux_x86_64.ts"),
};

/** The shim of this package for this system; `undefined` where it has none, or another was named anyway. */
export const OWN_SHIM: Prebuilt | undefined = await load();

async function load(): Promise<Prebuilt | undefined> {
  if (permittedEnvironment().get("STREAMLIB_LIBRARY")) return undefined;
  const module = MODULES[`${Deno.build.os}-${Deno.build.arch}`];
  return (await module?.())?.PREBUILT;
}
