/** The Python files of the package as a module. It replaces `host/spawn/python/python_texts.ts`, which contains none. */

import { createHash } from "node:crypto";
import type { KeptText } from "../../host/spawn/kept_files.ts";
import type { PythonSource } from "../../host/spawn/python/python_texts.ts";
import { ROOT } from "../checkout.ts";

/** The path from the root of the module with the Python files, without its extension. */
export const PYTHON_MODULE = "host/spawn/python/python_texts";

/** The texts of each folder. */
export type PythonTexts = Readonly<Record<PythonSource, KeptText>>;

/** The files of the folders: their texts, by their paths in the folder. */
export async function readPython(): Promise<PythonTexts> {
  return {
    // What a client needs of it; a wheel has more.
    "client/python": await textOf("client/python/", [
      "__main__.py",
      ...await pathsBelow("client/python/", "streamlib_bridge/"),
    ]),
    "demo/python": await textOf(
      "demo/python/",
      await pathsBelow("demo/python/", ""),
    ),
  };
}

async function textOf(folder: string, paths: string[]): Promise<KeptText> {
  const files: Record<string, string> = {};
  const hash = createHash("sha256");
  for (const path of paths.sort()) {
    const text = await Deno.readTextFile(new URL(folder + path, ROOT));
    files[path] = text;
    hash.update(`${path}\0${new TextEncoder().encode(text).length}\0${text}`);
  }
  return { sha256: hash.digest("hex"), files };
}

async function pathsBelow(folder: string, below: string): Promise<string[]> {
  const paths: string[] = [];
  for await (
    const { name, isDirectory } of Deno.readDir(new URL(folder + below, ROOT))
  ) {
    if (isDirectory && name !== "__pycache__") {
      paths.push(...await pathsBelow(folder, `${below}${name}/`));
    } else if (name.endsWith(".py") || name === "py.typed") {
      paths.push(below + name);
    }
  }
  return paths;
}

/** The text of the module that contains the Python files. It is TypeScript and JavaScript. */
export function pythonModule(texts: PythonTexts): string {
  return `/** Written by the build that this is part of. */
export const PYTHON_TEXTS = ${JSON.stringify(texts, null, 2)};
`;
}
