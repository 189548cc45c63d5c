/**
 * The files that a service is installed by: written whole or not at all, and
 * never over what somebody else wrote.
 *
 * @module
 */

import { dirname } from "node:path";
import type { Names } from "../proto/names.ts";
import { agentStderrFile } from "./agent.ts";
import { ServiceError } from "./service_error.ts";
import { SIGNATURE } from "./signature.ts";

/** Others may read what a service is, as both managers want it; only its owner may write it. */
const FILE_MODE = 0o644;

/** What is at a path. */
export type Found =
  | { readonly kind: "nothing" }
  | { readonly kind: "ours"; readonly text: string }
  | { readonly kind: "foreign"; readonly what: string };

/** Looks at a path; a link is never ours, whatever it leads to. */
export async function lookAt(path: string): Promise<Found> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.lstat(path);
  } catch (error) {
    const nothing = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (nothing) return { kind: "nothing" };
    throw error;
  }
  if (info.isSymlink) return { kind: "foreign", what: "a link" };
  if (info.isDirectory) return { kind: "foreign", what: "a directory" };
  if (!info.isFile) return { kind: "foreign", what: "no file" };
  const text = await Deno.readTextFile(path);
  return text.includes(SIGNATURE)
    ? { kind: "ours", text }
    : { kind: "foreign", what: "a file that streamlib did not write" };
}

/** Puts a text in a file's place at once; its directory is made if it is not there. Throws ServiceError `refused`. */
export async function replaceFile(path: string, text: string): Promise<void> {
  // Neither manager reads a file whose name ends so.
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeTextFile(temporary, text, {
      createNew: true,
      mode: FILE_MODE,
    });
    // The umask took bits away, and those that stay must not depend on it.
    await Deno.chmod(temporary, FILE_MODE);
    await Deno.rename(temporary, path);
  } catch (error) {
    await removeFile(temporary).catch(() => {}); // the first error is the one to tell
    throw cannotWrite(path, error);
  }
}

/** Removes a file or a link; says whether there was one. */
export async function removeFile(path: string): Promise<boolean> {
  try {
    await Deno.remove(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Makes a directory that only its owner can look into; one that is there stays as it is. Throws ServiceError `refused`. */
export async function makePrivateDirectory(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

/** Where the lock file of an installed broker is: not where it may write itself. */
export function lockFileOf({ home, service }: Names): string {
  return `${home}/${service}.lock`;
}

/** Removes the broker's lock file, its log files, and the directories that are empty then; the paths of the files. */
export async function removeKept(names: Names): Promise<string[]> {
  const { logDirectory, logFile } = names;
  const removed: string[] = [];
  const lockFile = lockFileOf(names);
  if (await removeFile(lockFile)) removed.push(lockFile);
  for (const name of await namesIn(logDirectory)) {
    const path = `${logDirectory}/${name}`;
    const ours = path === agentStderrFile(names) ||
      path === logFile || path.startsWith(`${logFile}.`);
    if (ours && await removeFile(path)) removed.push(path);
  }
  for (const directory of [logDirectory, names.home]) {
    await Deno.remove(directory).catch(() => {}); // not empty, or not there
  }
  return removed;
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(directory)))
      .map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function cannotWrite(path: string, error: unknown): unknown {
  if (error instanceof Deno.errors.NotCapable) return error;
  return new ServiceError(
    "refused",
    `Cannot write ${path}: ${(error as Error).message}`,
    `ls -ld '${dirname(path)}'`,
  );
}
