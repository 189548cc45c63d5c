/** The Python package as a module. It replaces `host/spawn/python/package_text.ts`, which contains none. */

import { createHash } from "node:crypto";
import type { KeptText } from "../../host/spawn/kept_files.ts";
import { ROOT } from "../checkout.ts";

/** The path from the root of the module with the Python package, without its extension. */
export const PYTHON_MODULE = "host/spawn/python/package_text";

/** The folder that Python runs. */
const FOLDER = new URL("client/python/", ROOT);
/** What a client needs of it; a wheel has more. */
const MAIN = "__main__.py";
const PACKAGE = "streamlib_bridge/";

/** The files of the Python package: their texts, by their paths in the folder that Python runs. */
export async function readPython(): Promise<KeptText> {
  const paths = [MAIN, ...await pathsBelow(PACKAGE)].sort();
  const files: Record<string, string> = {};
  const hash = createHash("sha256");
  for (const path of paths) {
    const text = await Deno.readTextFile(new URL(path, FOLDER));
    files[path] = text;
    hash.update(`${path}\0${new TextEncoder().encode(text).length}\0${text}`);
  }
  return { sha256: hash.digest("hex"), files };
}

async function pathsBelow(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (
    const { name, isDirectory } of Deno.readDir(new URL(folder, FOLDER))
  ) {
    if (isDirectory && name !== "__pycache__") {
      paths.push(...await pathsBelow(`${folder}${name}/`));
    } else if (name.endsWith(".py") || name === "py.typed") {
      paths.push(folder + name);
    }
  }
  return paths;
}

/** The text of the module that contains the Python package. It is TypeScript and JavaScript. */
export function pythonModule(text: KeptText): string {
  return `/** Written by the build that this is part of. */
export const PACKAGE_TEXT = ${JSON.stringify(text, null, 2)};
`;
}
