/**
 * The files of an installed service. They are replaced atomically, and files of others
 * are not overwritten.
 *
 * @module
 */

import { dirname } from "node:path";
import { withPrivateMask } from "../ffi/private_files.ts";
import type { Names } from "../proto/names.ts";
import { agentStderrFile } from "./agent.ts";
import { ServiceError } from "./service_error.ts";
import { SIGNATURE } from "./signature.ts";
import { unitStderrFile } from "./units.ts";

/** Readable for all, as both managers need it; writable only for the owner. */
const FILE_MODE = 0o644;

/** What is at a path; `foreign` is what streamlib did not write. */
export type Found =
  | { readonly kind: "nothing" }
  | { readonly kind: "ours"; readonly text: string }
  | { readonly kind: "foreign"; readonly what: string };

/** Looks at a path. A link is always foreign. */
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

/** Whether there is a file, a link or a directory at a path. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Replaces a file atomically. Makes its directory if it is missing. Throws ServiceError `refused`. */
export async function replaceFile(
  path: string,
  content: string | Uint8Array<ArrayBuffer>,
): Promise<void> {
  // Both managers ignore files with this ending.
  const temporary = `${path}.${crypto.randomUUID()}.tmp`;
  try {
    withPrivateMask(() => Deno.mkdirSync(dirname(path), { recursive: true }));
    const options = { createNew: true, mode: FILE_MODE } as const;
    if (typeof content === "string") {
      await Deno.writeTextFile(temporary, content, options);
    } else await Deno.writeFile(temporary, content, options);
    // The mode must not depend on the umask.
    await Deno.chmod(temporary, FILE_MODE);
    await Deno.rename(temporary, path);
  } catch (error) {
    await removeFile(temporary).catch(() => {}); // the first error is reported
    throw cannotWrite(path, error);
  }
}

/** Remembers what is at a path, a file or a link, and returns a function that puts it back. */
export async function remember(path: string): Promise<() => Promise<void>> {
  const found = await lookAt(path);
  if (found.kind === "nothing") return async () => void await removeFile(path);
  if ((await Deno.lstat(path)).isSymlink) {
    const target = await Deno.readLink(path);
    return async () => {
      await removeFile(path);
      await Deno.symlink(target, path);
    };
  }
  const text = await Deno.readTextFile(path);
  return () => replaceFile(path, text);
}

/** Removes directories that are empty; others stay. */
export async function removeEmpty(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await Deno.remove(path).catch(() => {}); // not empty, or not there
  }
}

/** Removes a file or a link. Returns whether there was one. */
export async function removeFile(path: string): Promise<boolean> {
  try {
    await Deno.remove(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Makes a directory with mode 0700. An existing one is not changed. Throws ServiceError `refused`. */
export function makePrivateDirectory(path: string): void {
  try {
    withPrivateMask(() =>
      Deno.mkdirSync(path, { recursive: true, mode: 0o700 })
    );
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

/** The path of an installed broker's lock file, where the broker itself has no write permission. */
export function lockFileOf({ home, service }: Names): string {
  return `${home}/${service}.lock`;
}

/** Removes the broker's lock file, its log files and its file of stderr, and then its empty directories. Returns the paths of the removed files. */
export async function removeKept(names: Names): Promise<string[]> {
  const { logDirectory, logFile } = names;
  const removed: string[] = [];
  for (const path of [lockFileOf(names), unitStderrFile(names)]) {
    if (await removeFile(path)) removed.push(path);
  }
  for (const name of await namesIn(logDirectory)) {
    const path = `${logDirectory}/${name}`;
    const ours = path === agentStderrFile(names) ||
      path === logFile || path.startsWith(`${logFile}.`);
    if (ours && await removeFile(path)) removed.push(path);
  }
  await removeEmpty([logDirectory, names.home]);
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
