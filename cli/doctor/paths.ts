/**
 * Directories and sockets as they have to be: nobody's but the user's own.
 *
 * @module
 */

import { shellQuoted } from "./finding.ts";

/** What is wrong with a path, why that matters, and what mends it. */
export interface Fault {
  readonly found: string;
  readonly why: string;
  readonly mend: string;
}

/** What `lstat` says of a path; `undefined` where nothing is there. */
export type PathInfo =
  | Pick<
    Deno.FileInfo,
    "isDirectory" | "isSymlink" | "isSocket" | "mode" | "uid"
  >
  | undefined;

/** Looks at a path itself, not at where a link leads. */
export async function look(path: string): Promise<PathInfo> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (
      error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory
    ) return undefined;
    throw error;
  }
}

/** What is wrong with the directory of the sockets, for the user of this number; `undefined` where nothing is. */
export function directoryFault(
  path: string,
  info: PathInfo,
  user: number,
): Fault | undefined {
  if (info === undefined) return undefined;
  if (info.isSymlink) {
    return {
      found: `${path} is a link`,
      why:
        "who can change where it leads could stand in for the broker, so nobody uses it",
      mend: `rm ${shellQuoted(path)}`,
    };
  }
  if (!info.isDirectory) {
    return {
      found: `${path} is no directory`,
      why: "the sockets have to be in it",
      mend: `mv ${shellQuoted(path)} ${shellQuoted(`${path}.old`)}`,
    };
  }
  return ownerFault(path, info.uid, user) ??
    modeFault(path, info.mode, 0o700, "can reach the broker's sockets");
}

/** What is wrong with a socket, likewise. */
export function socketFault(
  path: string,
  info: NonNullable<PathInfo>,
  user: number,
): Fault | undefined {
  if (!info.isSocket) {
    return {
      found: `${path} is no socket`,
      why: "no broker made it, and none takes its place",
      mend: `mv ${shellQuoted(path)} ${shellQuoted(`${path}.old`)}`,
    };
  }
  return ownerFault(path, info.uid, user) ??
    modeFault(path, info.mode, 0o600, "may connect to the broker");
}

function ownerFault(
  path: string,
  owner: number | null,
  user: number,
): Fault | undefined {
  if (owner === null || owner === user) return undefined;
  const sudo = user === 0 ? "" : "sudo ";
  return {
    found: `${path} belongs to user ${owner}, this is user ${user}`,
    why: user === 0
      ? "a broker and its clients are of one user; was this meant to run without sudo?"
      : "a broker and its clients are of one user; was it once run with sudo?",
    mend: `${sudo}chown -R ${user} ${shellQuoted(path)}`,
  };
}

function modeFault(
  path: string,
  mode: number | null,
  wanted: number,
  danger: string,
): Fault | undefined {
  const bits = (mode ?? wanted) & 0o777;
  if ((bits & 0o077) === 0 && (bits & wanted) === wanted) return undefined;
  return {
    found: `${path} has mode ${octal(bits)}, expected ${octal(wanted)}`,
    why: (bits & 0o077) === 0
      ? "its own user cannot use it"
      : `others ${danger}`,
    mend: `chmod ${octal(wanted).slice(1)} ${shellQuoted(path)}`,
  };
}

function octal(bits: number): string {
  return bits.toString(8).padStart(4, "0");
}
