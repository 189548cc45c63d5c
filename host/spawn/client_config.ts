/**
 * Finds the `deno.json` by which the client's Deno resolves the module's imports.
 *
 * The client's main module is a `data:` URL, from which Deno finds no
 * `deno.json` by itself.
 *
 * @module
 */

import { filePath } from "../file_path.ts";

const NAMES = ["deno.json", "deno.jsonc"];

/**
 * Returns the path of the nearest `deno.json` or `deno.jsonc` in the module's
 * folder or a folder above, as Deno itself finds it. `undefined` if there is none,
 * if the module is not a local file, or if this process may not read the folder.
 * Throws `bad_argument` if the URL is no path.
 */
export function findConfig(module: URL): string | undefined {
  if (module.protocol !== "file:") return undefined;
  for (let folder = new URL(".", module);;) {
    for (const name of NAMES) {
      const path = filePath(
        new URL(name, folder),
        "look for a deno.json for the module at",
      );
      const query = { name: "read", path } as const;
      if (Deno.permissions.querySync(query).state !== "granted") {
        return undefined;
      }
      if (isFile(path)) return path;
    }
    const parent = new URL("..", folder);
    if (parent.href === folder.href) return undefined;
    folder = parent;
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
