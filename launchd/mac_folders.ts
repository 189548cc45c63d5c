/**
 * Folders of a Mac from which a program of launchd cannot run, or not for long. Does no
 * I/O. docs/macos.md names the sources; not run on a Mac.
 *
 * @module
 */

import type { Names } from "../proto/names.ts";

/** A folder, and what it means for a program of launchd that needs a file in it. */
export interface UnfitFolder {
  readonly folder: string;
  /** `refused`: macOS lets only programs read it to which the user has consented. `cleaned`: its files may be removed at any time. */
  readonly kind: "refused" | "cleaned";
}

/** Why a file in such a folder is no good, as the end of a sentence. */
export const WHY_UNFIT: Readonly<Record<UnfitFolder["kind"], string>> = {
  refused: "which macOS does not let launchd's programs read",
  cleaned: "which may be cleaned at any time",
};

/** In the home: what macOS has protected since 10.15, with the folders of iCloud Drive and of other clouds. */
const REFUSED = [
  "Desktop",
  "Documents",
  "Downloads",
  "Library/CloudStorage",
  "Library/Mobile Documents",
];
/** Where macOS mounts other disks, and file servers. */
const VOLUMES = "/Volumes";
/** The volume of the users' files; paths with it name the same files as those without it. */
const DATA_VOLUME = "/System/Volumes/Data";
/** In the home: caches, which cleaning programs empty. */
const CLEANED = [".cache", ".npm", "Library/Caches"];
const TEMPORARY = ["/private/tmp", "/private/var/folders", "/tmp"];

/** The user's home on a Mac; `undefined` if these are not the names of a Mac. */
export function macHome({ plistFile }: Names): string | undefined {
  const end = plistFile?.lastIndexOf("/Library/LaunchAgents/") ?? -1;
  return end < 0 ? undefined : plistFile?.slice(0, end);
}

/** The folder that macOS protects and that contains a path; `undefined` if none does. `path` and `home` have no links. */
export function refusedFolder(
  path: string,
  home: string,
): UnfitFolder | undefined {
  const plain = withoutDataVolume(path);
  const user = withoutDataVolume(home);
  const folder = REFUSED.map((name) => `${user}/${name}`)
    .find((each) => isBelow(plain, each)) ?? volumeOf(plain);
  return folder === undefined ? undefined : { folder, kind: "refused" };
}

/** The folder that contains a path and that is emptied at times; `undefined` if none does. `path` and `home` have no links. */
export function cleanedFolder(
  path: string,
  home: string,
): UnfitFolder | undefined {
  const plain = withoutDataVolume(path);
  const user = withoutDataVolume(home);
  const npx = /^(.*\/_npx)\//.exec(plain)?.[1];
  const folders = isBelow(plain, user)
    ? CLEANED.map((name) => `${user}/${name}`)
    : TEMPORARY;
  const folder = npx ?? folders.find((each) => isBelow(plain, each));
  return folder === undefined ? undefined : { folder, kind: "cleaned" };
}

function volumeOf(path: string): string | undefined {
  if (!isBelow(path, VOLUMES)) return undefined;
  const [, , volume = ""] = path.split("/");
  return `${VOLUMES}/${volume}`;
}

function withoutDataVolume(path: string): string {
  return isBelow(path, DATA_VOLUME) ? path.slice(DATA_VOLUME.length) : path;
}

/** A Mac's file system does not distinguish capital letters. */
function isBelow(path: string, folder: string): boolean {
  return path.toLowerCase().startsWith(`${folder.toLowerCase()}/`);
}
