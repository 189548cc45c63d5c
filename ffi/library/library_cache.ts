/**
 * Writes the package's own shim to a file, because the dynamic loader needs
 * one: in a private directory of the user, under its hash. The file is checked
 * each time before it is loaded.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { BridgeError } from "../../proto/errors.ts";
import { withinFileSizeLimit } from "../file_size_limit.ts";
import { withPrivateMask } from "../private_files.ts";
import type { Prebuilt } from "./prebuilt/prebuilt.ts";

/** Readable by its owner only, writable by nobody. */
const FILE_MODE = 0o400;
const DIRECTORY_MODE = 0o700;
const OTHERS = 0o077;

/**
 * Returns the path of the shim below `cache`, an absolute path. Writes the file
 * first if it is missing or its content is wrong; without permission to write,
 * `writeElsewhere` is asked to. Several processes may do this at the same time.
 *
 * Throws BridgeError: `not_permitted` without permission to read `cache`, or to
 * write it if something must be written, or if other users can write to it;
 * `library_not_found` if the file cannot be written.
 */
export function cachedLibrary(
  prebuilt: Prebuilt,
  cache: string,
  name: string,
  writeElsewhere: () => boolean,
): string {
  const directory = `${cache}/${prebuilt.sha256}`;
  const file = `${directory}/${name}`;
  try {
    const there = isPrivate(cache) && isPrivate(directory);
    if (there && isRight(file, prebuilt)) return file;
    if (mayWrite(cache) || !writeElsewhere()) {
      makePrivate(cache);
      makePrivate(directory);
      write(file, prebuilt);
    }
    if (isRight(file, prebuilt)) return file;
  } catch (cause) {
    if (cause instanceof BridgeError) throw cause;
    if (cause instanceof Deno.errors.NotCapable) {
      throw new BridgeError(
        "not_permitted",
        `Cannot keep the shim in ${directory}: ${cause.message}. ` +
          `Run Deno with --allow-read=${cache} --allow-write=${cache}; ` +
          "write access is needed only once, and not by a host with --allow-run",
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
    `Cannot keep the shim in ${directory}: ${name} was changed right after it ` +
      "was written; set STREAMLIB_HOME to another directory",
  );
}

/**
 * Whether the directory exists. Throws if other users can reach its content. A
 * directory of mode 0700 that this process can read belongs to its own user, so
 * the user id need not be read, which would need one more permission.
 */
function isPrivate(directory: string): boolean {
  const info = lstat(directory);
  if (info === undefined) return false;
  const mode = (info.mode ?? 0) & 0o777;
  if (info.isDirectory && (mode & OTHERS) === 0) return true;
  const found = info.isDirectory
    ? `its mode is 0${mode.toString(8)}`
    : "it is not a directory";
  throw new BridgeError(
    "not_permitted",
    `Cannot keep the shim in ${directory}: ${found}, expected a directory of ` +
      "mode 0700 that belongs to this user; remove it, or set STREAMLIB_HOME to another directory",
  );
}

/** Never prompts: a host that may start Deno need not be asked. */
function mayWrite(path: string): boolean {
  const query = { name: "write", path } as const;
  return Deno.permissions.querySync(query).state === "granted";
}

function makePrivate(directory: string): void {
  if (isPrivate(directory)) return;
  // Recursive, because another process may make it at the same time.
  withPrivateMask(() =>
    Deno.mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE })
  );
  isPrivate(directory);
}

/** Whether the file is exactly the shim, and only its owner can reach it. */
function isRight(file: string, prebuilt: Prebuilt): boolean {
  const info = lstat(file);
  return info !== undefined && info.isFile &&
    ((info.mode ?? 0) & OTHERS) === 0 && info.size === prebuilt.bytes &&
    isSame(Deno.readFileSync(file), prebuilt);
}

function isSame(bytes: Uint8Array, { sha256 }: Prebuilt): boolean {
  return createHash("sha256").update(bytes).digest("hex") === sha256;
}

/** Writes a temporary file and renames it: a process that has the old file mapped keeps it, and none sees a partial file. */
function write(file: string, prebuilt: Prebuilt): void {
  const bytes = Uint8Array.fromBase64(prebuilt.base64);
  const temporary = `${file}.${crypto.randomUUID()}`;
  try {
    withinFileSizeLimit(() =>
      withPrivateMask(() =>
        Deno.writeFileSync(temporary, bytes, {
          createNew: true,
          mode: FILE_MODE,
        })
      )
    );
    Deno.renameSync(temporary, file);
  } catch (error) {
    try {
      Deno.removeSync(temporary);
    } catch {
      // The file was not made. The first error is the one to report.
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
