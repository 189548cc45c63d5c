/**
 * Copies of the parts of a broker that a service manager could not run where they are:
 * the package's shim, which is in no file; for launchd also a checkout in a folder that
 * macOS protects, or a Deno in a cache. A copy lies in STREAMLIB_HOME, in a folder that
 * is named after its content. What is for launchd was not run on a Mac.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Names } from "../proto/names.ts";
import { isRemote } from "./broker_program.ts";
import {
  isThere,
  lookAt,
  makePrivateDirectory,
  removeEmpty,
  replaceFile,
} from "./files.ts";
import {
  cleanedFolder,
  macHome,
  refusedFolder,
  type UnfitFolder,
  WHY_UNFIT,
} from "./mac_folders.ts";
import { ServiceError } from "./service_error.ts";

/** The parts of a broker. */
export interface BrokerParts {
  /** The path of Deno, or of a compiled broker. */
  readonly runtime: string;
  /** The URL of its main module; `undefined` for a compiled broker. */
  readonly module: string | undefined;
  /** The path of the shim; "" if it does not matter. */
  readonly library: string;
}

/** A part that lies in a folder from which launchd cannot run it. */
export interface UnfitPart extends UnfitFolder {
  readonly part: keyof BrokerParts;
  /** Its path, without links. */
  readonly path: string;
}

/** What the main module of a checkout needs: folders, and files. */
const FOLDERS = [".std", "broker", "ffi", "proto"];
const FILES = ["c/out/build_stamp.json", "deno.json", "deno.lock"];
const HASH_LENGTH = 16;

/** The parts that launchd could not run where they are. None if these are not the names of a Mac. Relative paths and missing files are left to other checks. */
export async function unfitParts(
  names: Names,
  { runtime, module, library }: BrokerParts,
): Promise<UnfitPart[]> {
  const home = macHome(names);
  if (home === undefined) return [];
  const realHome = await realPath(home);
  const unfit: UnfitPart[] = [];
  const look = async (
    part: keyof BrokerParts,
    file: string,
    ...checks: (typeof refusedFolder)[]
  ): Promise<void> => {
    const path = await realPath(file);
    for (const check of checks) {
      const found = check(path, realHome);
      if (found === undefined) continue;
      unfit.push({ ...found, part, path });
      return;
    }
  };
  await look("runtime", runtime, refusedFolder, cleanedFolder);
  if (module !== undefined && !isRemote(module)) {
    await look("module", pathOf(module), refusedFolder);
  }
  if (library !== "") await look("library", library, refusedFolder);
  return unfit;
}

/**
 * Copies the parts that launchd could not run where they are. Returns the parts of the
 * installed broker, and the sentences that say what was copied.
 *
 * @throws {ServiceError} `bad_argument` if STREAMLIB_HOME itself is in such a folder,
 * `refused` if the copy cannot be written
 */
export async function keepParts(
  names: Names,
  parts: BrokerParts,
): Promise<{ parts: BrokerParts; remarks: readonly string[] }> {
  await checkHome(names);
  const unfit = await unfitParts(names, parts);
  if (unfit.length === 0) return { parts, remarks: [] };
  const files = (await Promise.all(unfit.map(filesOf))).flat();
  const folder = `${copiesFolder(names)}/${await copyName(names, files)}`;
  try {
    if (!await isThere(folder)) await copyAll(files, folder);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new ServiceError(
      "refused",
      `Cannot copy the broker to ${folder}: ${(error as Error).message}`,
      `ls -ld '${names.home}'`,
    );
  }
  const kept = { ...parts };
  for (const { part, path } of unfit) {
    const copy = `${folder}/${targetOf(part, path)}`;
    kept[part] = part === "module" ? pathToFileURL(copy).href : copy;
  }
  const told = withoutOwnShim(unfit);
  return { parts: kept, remarks: told.map((each) => remark(each, folder)) };
}

/**
 * Writes a shim that is in no file. Returns its path. It is replaced atomically, for a
 * broker that starts meanwhile.
 *
 * @throws {ServiceError} `bad_argument` and `refused`, as {@link keepParts} does
 */
export async function keepShim(
  names: Names,
  { sha256, base64 }: { readonly sha256: string; readonly base64: string },
  fileName: string,
): Promise<string> {
  await checkHome(names);
  const bytes = Uint8Array.fromBase64(base64);
  const folder = `${copiesFolder(names)}/${names.service}-${
    sha256.slice(0, HASH_LENGTH)
  }`;
  makePrivateDirectory(folder);
  const path = `${folder}/${fileName}`;
  await replaceFile(path, bytes);
  return path;
}

/** The folder of all copies. */
function copiesFolder({ home }: Names): string {
  return `${home}/installed`;
}

/** Whether an installed file is in a copy. */
export function isCopied(names: Names, path: string): boolean {
  return path.startsWith(`${copiesFolder(names)}/`);
}

/** Removes the copies of a service that none of its property lists or units names. Returns their paths. */
export async function removeUnusedCopies(names: Names): Promise<string[]> {
  const folder = copiesFolder(names);
  const copies = (await entriesIn(folder))
    .filter((name) => isCopyOf(names, name));
  const texts = await installedTexts(names);
  const removed: string[] = [];
  for (const name of copies) {
    if (texts.some((text) => text.includes(`/${name}/`))) continue;
    await Deno.remove(`${folder}/${name}`, { recursive: true });
    removed.push(`${folder}/${name}`);
  }
  await removeEmpty([folder]);
  return removed;
}

/** The texts of the service's property lists, the installed one and that of one login; or of its unit. */
async function installedTexts(
  { plistFile, sessionPlistFile, systemdDirectory, systemdUnit }: Names,
): Promise<string[]> {
  const texts: string[] = [];
  const unit = systemdDirectory && `${systemdDirectory}/${systemdUnit}`;
  for (const path of [plistFile, sessionPlistFile, unit]) {
    if (path === undefined) continue;
    const found = await lookAt(path);
    if (found.kind === "ours") texts.push(found.text);
  }
  return texts;
}

/** The parts without the shim of a checkout that is among them. */
function withoutOwnShim(unfit: readonly UnfitPart[]): UnfitPart[] {
  const checkout = unfit.find(({ part }) => part === "module");
  return unfit.filter(({ part, folder }) =>
    part !== "library" || folder !== checkout?.folder
  );
}

function isCopyOf({ service }: Names, name: string): boolean {
  return name.startsWith(`${service}-`) &&
    /^[0-9a-f]+(\.[0-9a-f-]+\.tmp)?$/.test(name.slice(service.length + 1));
}

function remark({ part, folder, kind }: UnfitPart, copy: string): string {
  const what = {
    runtime: "This Deno",
    module: "This checkout",
    library: "The shim",
  }[part];
  const after = {
    runtime: "After an upgrade of Deno",
    module: "After a change in the checkout, or a new build",
    library: "After a new build",
  }[part];
  return `${what} is in ${folder}, ${
    WHY_UNFIT[kind]
  }, so the service runs a copy in ${copy}. ${after}: \`streamlib broker update\`.`;
}

/** Throws unless launchd's programs can read STREAMLIB_HOME. */
async function checkHome(names: Names): Promise<void> {
  await checkReadable(names, {
    what: "its files",
    folder: names.home,
    advice: "Move the checkout out of it, or keep the files elsewhere",
    next: 'export STREAMLIB_HOME="$HOME/.streamlib"',
  });
}

/** A folder that a broker of launchd needs where it is. */
interface NeededFolder {
  /** What is in it. */
  readonly what: string;
  readonly folder: string;
  /** What to do if it cannot be read, as a sentence, and as a command line. */
  readonly advice: string;
  readonly next: string;
}

/** Throws ServiceError `bad_argument` if a folder is one that macOS does not let launchd's programs read. */
export async function checkReadable(
  names: Names,
  { what, folder, advice, next }: NeededFolder,
): Promise<void> {
  const home = macHome(names);
  if (home === undefined) return;
  const real = await nearestRealPath(folder);
  const found = refusedFolder(real, await realPath(home));
  if (found === undefined) return;
  throw new ServiceError(
    "bad_argument",
    `Cannot have launchd run a broker with ${what} in ${folder}: macOS does not let launchd's programs read ${found.folder}. ${advice}`,
    next,
  );
}

/** A file to copy, and its path in the copy. */
interface CopiedFile {
  readonly from: string;
  readonly to: string;
}

/** The place of a part in a copy. */
function targetOf(part: keyof BrokerParts, path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return part === "module" ? "module/broker/main.ts" : name;
}

async function filesOf({ part, path }: UnfitPart): Promise<CopiedFile[]> {
  if (part !== "module") return [{ from: path, to: targetOf(part, path) }];
  const root = path.slice(0, -"/broker/main.ts".length);
  const files: string[] = [];
  for (const file of FILES) {
    if (await isThere(`${root}/${file}`)) files.push(file);
  }
  for (const folder of FOLDERS) files.push(...await filesBelow(root, folder));
  return files.map((file) => ({
    from: `${root}/${file}`,
    to: `module/${file}`,
  }));
}

async function filesBelow(root: string, folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const name of (await entriesIn(`${root}/${folder}`)).sort()) {
    const path = `${folder}/${name}`;
    const { isDirectory, isFile } = await Deno.stat(`${root}/${path}`);
    if (isDirectory) files.push(...await filesBelow(root, path));
    else if (isFile) files.push(path);
  }
  return files;
}

/** The name of a copy: that of the service, and a hash of its files. Of Deno, which is large, only path, size and time are hashed. */
async function copyName(
  { service }: Names,
  files: readonly CopiedFile[],
): Promise<string> {
  const hash = createHash("sha256");
  for (const { from, to } of files) {
    const { size, mtime } = await Deno.stat(from);
    hash.update(`${to}\0${size}\0`);
    if (to.includes("/")) hash.update(await Deno.readFile(from));
    else hash.update(`${from}\0${mtime?.getTime()}\0`);
  }
  return `${service}-${hash.digest("hex").slice(0, HASH_LENGTH)}`;
}

/** Makes a copy under another name and renames it when it is whole, because a broker may start meanwhile. On APFS a copied file shares its blocks with the original. */
async function copyAll(
  files: readonly CopiedFile[],
  folder: string,
): Promise<void> {
  const fresh = `${folder}.${crypto.randomUUID()}.tmp`;
  makePrivateDirectory(fresh);
  try {
    for (const { from, to } of files) {
      makePrivateDirectory(`${fresh}/${to}`.replace(/\/[^/]*$/, ""));
      await Deno.copyFile(from, `${fresh}/${to}`);
    }
    await Deno.rename(fresh, folder);
  } catch (error) {
    await Deno.remove(fresh, { recursive: true });
    if (!await isThere(folder)) throw error; // another process has made it
  }
}

function pathOf(module: string): string {
  return module.startsWith("file:") ? fileURLToPath(module) : module;
}

async function entriesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) =>
      name
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** The path without links; the path itself if it does not exist. */
async function realPath(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return path;
    throw error;
  }
}

/** The same for a path whose last parts do not exist yet. */
async function nearestRealPath(path: string): Promise<string> {
  for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) {
    const real = await realPath(path.slice(0, end));
    if (real !== path.slice(0, end) || await isThere(real)) {
      return real + path.slice(end);
    }
  }
  return path;
}
