/**
 * The shim that the package brings, as the file that a dynamic loader wants:
 * in a private directory of the user's, under the file's hash, and looked at
 * again each time before it is loaded.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { BridgeError } from "../../proto/errors.ts";
import type { Prebuilt } from "./prebuilt/prebuilt.ts";

/** For its owner alone, who has no reason to write it either. */
const FILE_MODE = 0o400;
const DIRECTORY_MODE = 0o700;
const OTHERS = 0o077;

/**
 * The path of the shim below `cache`, an absolute path, written there first
 * where it is not there, or is not what it has to be. Many processes may do so
 * at once.
 *
 * Throws BridgeError: `not_permitted` without permission to read (and, where
 * something is to be written, to write) `cache`, or when others can write to
 * it; `library_not_found` when the file cannot be written.
 */
export function cachedLibrary(
  prebuilt: Prebuilt,
  cache: string,
  name: string,
): string {
  const directory = `${cache}/${prebuilt.sha256}`;
  const file = `${directory}/${name}`;
  try {
    const there = isPrivate(cache) && isPrivate(directory);
    if (there && isRight(file, prebuilt)) return file;
    makePrivate(cache);
    makePrivate(directory);
    write(file, prebuilt);
    if (isRight(file, prebuilt)) return file;
  } catch (cause) {
    if (cause instanceof BridgeError) throw cause;
    if (cause instanceof Deno.errors.NotCapable) {
      throw new BridgeError(
        "not_permitted",
        `Cannot keep the shim in ${directory}: ${cause.message}. ` +
          `Run Deno with --allow-read=${cache} --allow-write=${cache}; ` +
          "to write is needed once",
        { cause },
      );
    }
    throw new BridgeError(
      "library_not_found",
      `Cannot keep the shim in ${directory}: ${(cause as Error).message}; ` +
        "let this user write there, or set STREAMLIB_HOME to another directory",
      { cause },
    );
  }
  throw new BridgeError(
    "library_not_found",
    `Cannot keep the shim in ${directory}: ${name} was changed as soon as it ` +
      "was written; set STREAMLIB_HOME to another directory",
  );
}

/**
 * Whether the directory is there; throws when others can reach what is in it.
 * One of this mode that this process can look into belongs to its own user:
 * so the user needs not be asked for, which would be one more permission.
 */
function isPrivate(directory: string): boolean {
  const info = lstat(directory);
  if (info === undefined) return false;
  const mode = (info.mode ?? 0) & 0o777;
  if (info.isDirectory && (mode & OTHERS) === 0) return true;
  const found = info.isDirectory
    ? `its mode is 0${mode.toString(8)}`
    : "it is no directory";
  throw new BridgeError(
    "not_permitted",
    `Cannot keep the shim in ${directory}: ${found}, expected a directory of ` +
      "mode 0700 and this user's own; remove it, or set STREAMLIB_HOME to another directory",
  );
}

function makePrivate(directory: string): void {
  if (isPrivate(directory)) return;
  // Recursive: another process may be as far.
  Deno.mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
  isPrivate(directory);
}

/** Whether the file is the shim, to the byte, and nobody else's to change. */
function isRight(file: string, prebuilt: Prebuilt): boolean {
  const info = lstat(file);
  return info !== undefined && info.isFile &&
    ((info.mode ?? 0) & OTHERS) === 0 && info.size === prebuilt.bytes &&
    isSame(Deno.readFileSync(file), prebuilt);
}

function isSame(bytes: Uint8Array, { sha256 }: Prebuilt): boolean {
  return createHash("sha256").update(bytes).digest("hex") === sha256;
}

/** Written beside and renamed: whoever has the one before mapped keeps it, and nobody sees half of one. */
function write(file: string, prebuilt: Prebuilt): void {
  const bytes = Uint8Array.fromBase64(prebuilt.base64);
  const temporary = `${file}.${crypto.randomUUID()}`;
  try {
    Deno.writeFileSync(temporary, bytes, { createNew: true, mode: FILE_MODE });
    Deno.renameSync(temporary, file);
  } catch (error) {
    try {
      Deno.removeSync(temporary);
    } catch {
      // It was not made: the first error is the one to tell.
    }
    throw error;
  }
}

function lstat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
