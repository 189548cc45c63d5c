/**
 * The local files of a Python module: itself, and what its import statements name in
 * its folder, at any depth.
 *
 * They are read here, and not asked of Python: a module with a syntax error has files
 * too, and a client that did not start cannot tell. What a program imports by a name
 * that it has computed is not found.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { givenPath } from "../spawn/paths.ts";
import type { FindFiles } from "./module_files.ts";

/** A module has at most this many files: an import of all of a machine would not end. */
const MOST_FILES = 2_000;

/**
 * Returns what finds the files of a module.
 *
 * @throws {BridgeError} `bad_argument` if the module is no local file
 */
export function pythonFiles(module: URL): FindFiles {
  const path = givenPath(module, "watch: true for", undefined);
  const root = dirname(path);
  return async (signal) => {
    const files = new Set([path]);
    for (const file of files) { // it grows meanwhile
      if (signal.aborted || files.size >= MOST_FILES) break;
      const text = await Deno.readTextFile(file).catch(() => ""); // it is not there
      for (const name of importedNames(text)) {
        for (const one of await filesOf(name, root, dirname(file))) {
          files.add(one);
        }
      }
    }
    return files;
  };
}

const FROM =
  /^[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|.+)$/gm;
const IMPORT = /^[ \t]*import[ \t]+(.+)$/gm;

/**
 * The modules that import statements name, with a dot before the name for each folder
 * that a relative one goes up, from its own on. What is imported from a package may be
 * a module of it.
 */
export function importedNames(text: string): string[] {
  const joined = text.replace(/\\\r?\n/g, " ").replace(/#.*$/gm, "");
  const names = new Set<string>();
  for (const [, dots = "", module = "", what = ""] of joined.matchAll(FROM)) {
    if (module !== "") names.add(dots + module);
    for (const one of listed(what)) {
      if (one !== "*") names.add(`${dots}${module && `${module}.`}${one}`);
    }
  }
  for (const [, what = ""] of joined.matchAll(IMPORT)) {
    for (const one of listed(what)) names.add(one);
  }
  return [...names].filter((name) => /^\.*\w+(\.\w+)*$/.test(name));
}

/** The names in a list such as `a, b as c`. */
function listed(text: string): string[] {
  return text.replace(/[()]/g, " ").split(",")
    .map((one) => one.trim().split(/\s+/)[0] ?? "")
    .filter((one) => one !== "");
}

/**
 * The files that are loaded when a module is imported, as far as they are local: its
 * packages and itself. Of a module that is not there, the file that would be it: it may
 * be written next.
 */
async function filesOf(
  name: string,
  root: string,
  folder: string,
): Promise<string[]> {
  const dots = /^\.*/.exec(name)![0].length;
  const parts = name.slice(dots).split(".");
  let at = dots === 0 ? root : folder;
  for (let up = 1; up < dots; up++) at = dirname(at);
  const files: string[] = [];
  for (const [depth, part] of parts.entries()) {
    const plain = join(at, `${part}.py`);
    const init = join(at, part, "__init__.py");
    if (await isFile(init)) files.push(init);
    else if (depth === 0 || await isFile(plain)) {
      files.push(plain);
    }
    at = join(at, part);
  }
  return files;
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}
