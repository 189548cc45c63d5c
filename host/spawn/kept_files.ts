/**
 * Files of this package for programs other than Deno, below STREAMLIB_HOME: the
 * published package consists of modules alone.
 *
 * Each folder has the hash of its content as its name, so that versions do not meet.
 * It is made under another name and renamed when it is whole. It is compared with
 * what it should be before each use, except for its cache, and used only where
 * nobody else can have written: clients run what is in it.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { permittedEnvironment } from "../../ffi/environment.ts";
import { effectiveUser } from "../../ffi/user_id.ts";
import { BridgeError } from "../../proto/errors.ts";
import { homeDirectory } from "../../proto/names.ts";

/** Files that are texts. */
export interface KeptText {
  /** The SHA-256 of their names and contents, in hexadecimal digits. */
  readonly sha256: string;
  /** The text of each file, by its path in the folder. */
  readonly files: Readonly<Record<string, string>>;
}

/** Files that a folder consists of. */
export interface KeptContent {
  /** The name of the folder: the SHA-256 of what is in it. */
  readonly sha256: string;
  /** The content of each file, by its path in the folder. */
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  /** Whether they are programs. Default: false. */
  readonly executable?: boolean;
  /** A directory in which a program keeps what it makes of the files, such as bytecode. Its content is not compared. */
  readonly cache?: string;
}

/** Where files are kept, and whose they are. */
export interface KeepPlace {
  /** Returns the path of STREAMLIB_HOME. */
  home(): string;
  /** Returns the id of this user. */
  user(): number;
}

/** Where this process keeps files. */
export const OWN_PLACE: KeepPlace = {
  home: () => homeDirectory(permittedEnvironment()),
  user: effectiveUser,
};

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
const PROGRAM_MODE = 0o700;
const OWNER_EXECUTES = 0o100;
/** The bits of a mode by which others can write. */
const OTHERS_WRITE = 0o022;
/** In such a directory nobody can replace what another user has made. */
const STICKY = 0o1000;
const ROOT = 0;
/** Two processes that repair the same folder disturb each other at most this often. */
const MOST_TRIES = 3;

/**
 * Returns the path of a folder with these files, and makes it if it is not there, or
 * not whole.
 *
 * @throws {BridgeError} `not_permitted` if this process may not write there, or others
 * can; `native_failure` if the system refuses; `bad_argument` if there is no home
 */
export async function keepFiles(
  { home, user }: KeepPlace,
  content: KeptContent,
): Promise<string> {
  const root = home();
  const library = join(root, "lib");
  const folder = join(library, content.sha256);
  try {
    await makeDirectory(library);
    const owner = user();
    await checkClosed(root, owner);
    await checkClosed(library, owner);
    if (!await isWhole(folder, content, owner)) {
      await write(folder, content, owner);
    }
  } catch (cause) {
    if (cause instanceof BridgeError) throw cause;
    throw cannotKeep(library, cause as Error);
  }
  return folder;
}

function cannotKeep(library: string, cause: Error): BridgeError {
  const isFlag = cause instanceof Deno.errors.NotCapable;
  const isDenied = isFlag || cause instanceof Deno.errors.PermissionDenied;
  return new BridgeError(
    isDenied ? "not_permitted" : "native_failure",
    `Cannot write the files with which a client starts to ${library}: ${cause.message}; ${
      isFlag
        ? `the host needs --allow-read=${
          dirname(library)
        } and --allow-write=${library}`
        : "set STREAMLIB_HOME to a directory that this user can write"
    }`,
    { cause },
  );
}

/** Makes a directory, whatever the umask, and those above it, for which this process needs no permission to write. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await Deno.lstat(path);
    return;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  await Deno.mkdir(path, { recursive: true, mode: DIRECTORY_MODE });
  await Deno.chmod(path, DIRECTORY_MODE);
}

/** Throws unless only this user can change what is in a directory. */
async function checkClosed(path: string, owner: number): Promise<void> {
  const { isDirectory, uid, mode } = await Deno.stat(path);
  const bits = mode ?? 0;
  const isOpen = (bits & OTHERS_WRITE) !== 0 && (bits & STICKY) === 0;
  const isOurs = uid === owner || uid === ROOT;
  if (isDirectory && isOurs && !isOpen) return;
  throw new BridgeError(
    "not_permitted",
    `Cannot keep the files with which a client starts in ${path}: ${
      !isDirectory
        ? "it is no directory"
        : isOurs
        ? "other users can write there"
        : `it belongs to another user (${uid})`
    }; set STREAMLIB_HOME to a directory of this user's own, or correct its owner and mode`,
  );
}

/** Whether a folder has these files and its cache, nothing else, and only this user can have written there. */
async function isWhole(
  folder: string,
  content: KeptContent,
  owner: number,
): Promise<boolean> {
  const { files, executable = false, cache } = content;
  const isOurs = async (path: string, kind: "isDirectory" | "isFile") => {
    const info = await Deno.lstat(path);
    return info[kind] && info.uid === owner &&
      ((info.mode ?? 0) & OTHERS_WRITE) === 0;
  };
  try {
    for (const directory of directoriesOf(content)) {
      if (!await isOurs(join(folder, directory), "isDirectory")) return false;
    }
    if (
      (await pathsIn(folder, cache)).join("\n") !==
        [...files.keys()].sort().join("\n")
    ) {
      return false;
    }
    for (const [path, wanted] of files) {
      if (!await isOurs(join(folder, path), "isFile")) return false;
      const { mode } = await Deno.lstat(join(folder, path));
      if (executable && ((mode ?? 0) & OWNER_EXECUTES) === 0) return false;
      const found = await Deno.readFile(join(folder, path));
      if (!areEqual(found, wanted)) return false;
    }
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false; // it is not there, or cannot be read
  }
}

/** The directories that a folder consists of, from the folder itself on. */
function directoriesOf({ files, cache = "" }: KeptContent): string[] {
  return [...new Set(["", ...[...files.keys()].map(dirname), cache])].sort();
}

/** The paths of all that is in a folder but directories and what is in its cache, sorted. */
async function pathsIn(
  folder: string,
  cache: string | undefined,
  below = "",
): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(folder, below))) {
    const path = join(below, name);
    if (!isDirectory) paths.push(path);
    else if (path !== cache) paths.push(...await pathsIn(folder, cache, path));
  }
  return paths.sort();
}

function areEqual(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) {
    if (one[at] !== other[at]) return false;
  }
  return true;
}

/** Makes the folder, or replaces it. */
async function write(
  folder: string,
  content: KeptContent,
  owner: number,
): Promise<void> {
  const fresh = join(
    dirname(folder),
    `.${content.sha256}-${crypto.randomUUID()}`,
  );
  const mode = content.executable ? PROGRAM_MODE : FILE_MODE;
  try {
    for (const directory of directoriesOf(content)) {
      await makeDirectory(join(fresh, directory));
    }
    for (const [path, bytes] of content.files) {
      const file = join(fresh, path);
      await Deno.writeFile(file, bytes, { createNew: true, mode });
      await Deno.chmod(file, mode); // whatever the umask
    }
    await put(fresh, folder, content, owner);
  } finally {
    await remove(fresh);
  }
}

/** Renames a whole folder to its name. One that is there is another process's, or damaged. */
async function put(
  fresh: string,
  folder: string,
  content: KeptContent,
  owner: number,
): Promise<void> {
  for (let tries = 0;; tries++) {
    try {
      await Deno.rename(fresh, folder);
      return;
    } catch (error) {
      if (await isWhole(folder, content, owner)) return;
      if (tries === MOST_TRIES) throw error;
    }
    const old = `${fresh}.old`;
    try {
      await Deno.rename(folder, old);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // another process was faster
    }
    await remove(old);
  }
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
