/**
 * The file of `--snapshot`: checked before the work, written after it.
 *
 * @module
 */

import { dirname } from "node:path";
import { surviveFileSizeLimit } from "../ffi/file_size_limit.ts";
import { MediaError } from "./input/media_error.ts";
import { systemReason } from "./input/media_input.ts";
import { quoted } from "./input/quoted.ts";

/**
 * Checks that a file can be written, and leaves everything as it is.
 *
 * @param input the path of the input, which is not overwritten
 * @throws {MediaError} `output_unwritable` with the reason
 */
export async function checkSnapshot(
  path: string,
  input?: string,
): Promise<void> {
  try {
    const isNew = await isAbsent(path);
    if (input !== undefined && await isSameFile(path, input)) {
      throw new Refusal("it is the input, which would be lost");
    }
    // Opening is the only test that also counts access lists and read-only disks.
    (await Deno.open(path, { write: true, createNew: isNew })).close();
    if (isNew) await Deno.remove(path);
  } catch (error) {
    throw await unwritable(path, error);
  }
}

/**
 * Writes the file, in place of an existing one.
 *
 * @returns true, or why it could not be written: there is more to print
 */
export async function writeSnapshot(
  path: string,
  png: Uint8Array,
): Promise<true | MediaError> {
  surviveFileSizeLimit();
  try {
    await Deno.writeFile(path, png);
    return true;
  } catch (error) {
    return await unwritable(path, error);
  }
}

/** Whether there is nothing at that path yet. Throws if there is something that is no file. */
async function isAbsent(path: string): Promise<boolean> {
  try {
    const { isFile, isDirectory, isCharDevice } = await Deno.stat(path);
    if (isFile || isCharDevice) return false;
    throw new Refusal(isDirectory ? "it is a folder" : "it is not a file");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const link = await Deno.readLink(path).catch(() => undefined);
  if (link === undefined) return true;
  throw new Refusal(
    `it is a link to ${quoted(link)}, which does not exist`,
  );
}

/** Whether both paths are of one file, also by a link. */
async function isSameFile(path: string, other: string): Promise<boolean> {
  const [one, two] = await Promise.all(
    [path, other].map((each) => Deno.stat(each).catch(() => undefined)),
  );
  return one?.isFile === true && one.ino === two?.ino && one.dev === two.dev;
}

/** What was found at the path. */
class Refusal extends Error {}

async function unwritable(path: string, cause: unknown): Promise<MediaError> {
  return new MediaError(
    "output_unwritable",
    `Cannot write the snapshot ${quoted(path)}: ${await whyUnwritable(
      path,
      cause,
    )}; give --snapshot a file in a folder where this user may write`,
    { cause },
  );
}

async function whyUnwritable(path: string, error: unknown): Promise<string> {
  if (error instanceof Refusal) return error.message;
  if (error instanceof Deno.errors.NotCapable) {
    return "Deno does not permit to write there";
  }
  const folder = dirname(path);
  if (error instanceof Deno.errors.NotFound) {
    return `there is no folder ${quoted(folder)}`;
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    const exists = await Deno.stat(path).then(() => true, () => false);
    return exists
      ? "this user has no permission to write it"
      : `this user has no permission to write in ${quoted(folder)}`;
  }
  return systemReason(error);
}
