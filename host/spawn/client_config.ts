/**
 * By which configuration the client's Deno resolves the module's imports.
 *
 * The client's main module is a `data:` URL, from which Deno finds no
 * `deno.json` by itself.
 *
 * @module
 */

const NAMES = ["deno.json", "deno.jsonc"];

/**
 * The nearest `deno.json` or `deno.jsonc` beside or above a module, as Deno
 * itself would find it. `undefined` where there is none, where the module is
 * not a local file, or where this process may not look.
 */
export function findConfig(module: URL): string | undefined {
  if (module.protocol !== "file:") return undefined;
  for (let folder = new URL(".", module);;) {
    for (const name of NAMES) {
      const path = decodeURIComponent(new URL(name, folder).pathname);
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
