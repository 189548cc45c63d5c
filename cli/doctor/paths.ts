/**
 * What must hold for the broker's directory and sockets: they belong to the user,
 * and other users cannot reach them.
 *
 * @module
 */

import { shellQuoted } from "./finding.ts";

/** What is wrong with a path, why that matters, and how to fix it. */
export interface Fault {
  readonly found: string;
  readonly why: string;
  readonly mend: string;
}

/** What `lstat` returns for a path; `undefined` if it does not exist. */
export type PathInfo =
  | Pick<
    Deno.FileInfo,
    "isDirectory" | "isSymlink" | "isSocket" | "mode" | "uid"
  >
  | undefined;

/** Returns what `lstat` says: about a symbolic link itself, not about its target. */
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

/** What is wrong with the directory of the sockets; `undefined` if nothing is. `user` is the user's id. */
export function directoryFault(
  path: string,
  info: PathInfo,
  user: number,
): Fault | undefined {
  if (info === undefined) return undefined;
  if (info.isSymlink) {
    return {
      found: `${path} is a symbolic link`,
      why:
        "anyone who can change the link could impersonate the broker, so it is not used",
      mend: `rm ${shellQuoted(path)}`,
    };
  }
  if (!info.isDirectory) {
    return {
      found: `${path} is not a directory`,
      why: "the broker creates its sockets in this directory",
      mend: `mv ${shellQuoted(path)} ${shellQuoted(`${path}.old`)}`,
    };
  }
  const fault = ownerFault(path, info.uid, user) ??
    modeFault(path, info.mode, 0o700, "can reach the broker's sockets");
  // A directory of the system must stay as it is: other programs need it.
  return fault && isOfSystem(path, info.mode)
    ? { ...fault, mend: OWN_DIRECTORY }
    : fault;
}

/** What is wrong if a path cannot be looked at, with the error of {@link look}; `undefined` if that says nothing of the path. */
export function hiddenFault(path: string, error: unknown): Fault | undefined {
  const why = error instanceof Deno.errors.PermissionDenied
    ? "a directory above it is closed to this user"
    : error instanceof Deno.errors.NotCapable
    ? "it is in a part of the system that Deno does not read, such as /proc"
    : undefined;
  return why === undefined
    ? undefined
    : { found: `${path} cannot be looked at`, why, mend: OWN_DIRECTORY };
}

/** The advice where the directory itself must not be changed. */
const OWN_DIRECTORY = 'export STREAMLIB_HOME="$HOME/.streamlib"';
const STICKY = 0o1000;

/** Whether a directory is one of the system's: directly below the root, or one in which all users write. */
function isOfSystem(path: string, mode: number | null): boolean {
  return path.lastIndexOf("/") === 0 || ((mode ?? 0) & STICKY) !== 0;
}

/**
 * What is wrong with the directory that a variable names, in which the directory of the
 * sockets is; `undefined` if nothing is. It may be another user's: after su, sudo -u and
 * sudo -E the variables are of the login before.
 */
export function baseFault(
  variable: string,
  path: string,
  info: PathInfo,
  user: number,
): Fault | undefined {
  const owner = info?.uid ?? user;
  if (owner === user) return undefined;
  return {
    found:
      `${variable} is ${path}, which belongs to user ${owner}, and this is user ${user}`,
    why:
      "the variable is of another login, as after su and sudo; its broker serves that user alone",
    mend: `unset ${variable}`,
  };
}

/** What is wrong with a socket; `undefined` if nothing is. `user` is the user's id. */
export function socketFault(
  path: string,
  info: NonNullable<PathInfo>,
  user: number,
): Fault | undefined {
  if (!info.isSocket) {
    return {
      found: `${path} is not a socket`,
      why: "no broker created it, and no broker replaces it",
      mend: `mv ${shellQuoted(path)} ${shellQuoted(`${path}.old`)}`,
    };
  }
  return ownerFault(path, info.uid, user) ??
    modeFault(path, info.mode, 0o600, "can connect to the broker");
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
      ? "the broker and its clients must run as the same user; should this command run without sudo?"
      : "the broker and its clients must run as the same user; was one of them run with sudo?",
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
      ? "its owner cannot use it"
      : `other users ${danger}`,
    mend: `chmod ${octal(wanted).slice(1)} ${shellQuoted(path)}`,
  };
}

function octal(bits: number): string {
  return bits.toString(8).padStart(4, "0");
}
