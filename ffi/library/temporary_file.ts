/**
 * The package's shim in a temporary file, which is removed as soon as it is
 * loaded. For macOS, which has no files without a name that can be loaded. Not
 * run on a Mac.
 *
 * Its path is the same for all isolates of a process, so that they share one
 * library: dyld knows what it has loaded by its path.
 *
 * @module
 */

import { checkFileSizeLimit, cText, type MacC, writeAll } from "./c_library.ts";
import type { Prebuilt } from "./prebuilt/prebuilt.ts";

/** `_CS_DARWIN_USER_TEMP_DIR`: the temporary folder of this user, which others cannot enter. */
const USER_TEMP_DIR = 65_537;
const MAX_PATH_BYTES = 1024;
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

/**
 * The user's temporary folder, without links in its path: dyld keeps such paths.
 *
 * Throws Error if there is none.
 */
export function temporaryFolder({ confstr }: Pick<MacC, "confstr">): string {
  const text = new Uint8Array(MAX_PATH_BYTES);
  const size = Number(confstr(USER_TEMP_DIR, text, BigInt(text.length)));
  const folder = new TextDecoder().decode(text.subarray(0, size))
    .replace(/\/*\0*$/, "");
  if (size > text.length || !folder.startsWith("/")) {
    throw new Error("this user has no temporary folder (confstr)");
  }
  return folder.replace(/^\/var\//, "/private/var/");
}

/**
 * Loads the shim from a file in `folder`, and removes the file.
 *
 * Throws Error, which says what the system refuses, and what `load` throws.
 */
export function loadTemporary<Library>(
  prebuilt: Prebuilt,
  folder: string,
  c: MacC,
  load: (path: string) => Library,
): Library {
  const directory = `${folder}/streamlib-${Deno.pid}-${prebuilt.sha256}`;
  const path = `${directory}/libstreamlib_bridge.dylib`;
  try {
    return load(path); // another isolate has loaded it
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
  }
  c.mkdir(cText(directory), DIRECTORY_MODE); // or another isolate has just made it
  c.chmod(cText(directory), DIRECTORY_MODE); // whatever the umask
  try {
    write(prebuilt, path, c);
    return load(path);
  } finally {
    c.unlink(cText(path));
    c.rmdir(cText(directory));
  }
}

/** Writes the file under another name and renames it: no isolate loads a part of it. */
function write(prebuilt: Prebuilt, path: string, c: MacC): void {
  const bytes = Uint8Array.fromBase64(prebuilt.base64);
  checkFileSizeLimit(c, bytes.length);
  const fresh = cText(`${path}.${crypto.randomUUID()}`);
  const file = c.creat(fresh, FILE_MODE);
  const written = file >= 0 && bytes.length === prebuilt.bytes &&
    c.chmod(fresh, FILE_MODE) === 0 && writeAll(c, file, bytes);
  const closed = file >= 0 && c.close(file) === 0;
  if (written && closed && c.rename(fresh, cText(path)) === 0) return;
  c.unlink(fresh);
  throw new Error(
    `its ${prebuilt.bytes} bytes cannot be written to the temporary file ${path}`,
  );
}
