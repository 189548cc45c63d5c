/**
 * The folders that an interpreter reads: its standard library, and what is installed
 * for it. They follow from files, so that no process need be started to ask.
 *
 * @module
 */

import { dirname, join } from "node:path";

/** What {@link pythonPlaces} asks of the file system. */
export interface PlaceFiles {
  /** Returns the path that links lead to. Throws if there is none. */
  realPath(path: string): string;
  /** Returns the text of a file; `undefined` if it is not there. */
  read(path: string): string | undefined;
}

/** A file of virtual environments; the line `home` has the folder of the interpreter that it was made with. */
const CONFIG = "pyvenv.cfg";
const HOME = /^home\s*=\s*(.+?)\s*$/m;

/**
 * Returns the folders that the interpreter at a path reads.
 *
 * @param home the user's home folder, where `pip install --user` puts packages; `undefined` if it is not known
 */
export function pythonPlaces(
  program: string,
  home: string | undefined,
  files: PlaceFiles = OWN,
): string[] {
  const found = new Set<string>();
  // <prefix>/bin/python3
  const add = (path: string): void => {
    const prefix = dirname(dirname(path));
    if (prefix !== "/" && prefix !== home) found.add(prefix);
  };
  const addBoth = (path: string): void => {
    add(path);
    try {
      add(files.realPath(path));
    } catch {
      // There is none, so nothing of it is read.
    }
  };
  addBoth(program);
  const config = files.read(join(dirname(dirname(program)), CONFIG));
  const base = config === undefined ? undefined : HOME.exec(config)?.[1];
  if (base !== undefined) addBoth(join(base, "python3"));
  if (home !== undefined) found.add(join(home, ".local/lib"));
  return [...found];
}

/**
 * Returns what a module's folder permits to read: the folder, from which it imports
 * other modules; only the module itself if that is a home folder or above one.
 */
export function modulePlaces(
  module: string,
  home: string | undefined,
): string[] {
  const folder = dirname(module);
  const holdsHome = folder === "/" ||
    home === folder || home?.startsWith(`${folder}/`) === true;
  return holdsHome ? [module] : [folder];
}

const OWN: PlaceFiles = {
  realPath: (path) => Deno.realPathSync(path),
  read(path) {
    try {
      return Deno.readTextFileSync(path);
    } catch {
      return undefined;
    }
  },
};
