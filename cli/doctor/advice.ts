/**
 * The command lines that several links advise.
 *
 * @module
 */

import { PROGRAM } from "../command.ts";
import type { Known } from "./examination.ts";
import { FOREGROUND_BROKER } from "../../proto/foreground.ts";

/** Installs a broker that all runtimes of the user share and that starts on demand. */
export const INSTALL = `${PROGRAM} broker install`;

/** Starts a broker: the installed one, or one in the foreground. */
export function start({ installed }: Known): string {
  if (installed) return `${PROGRAM} broker start`;
  return FOREGROUND_BROKER;
}

/** Replaces a broker that does not answer. `pid` is its process, if known. */
export function restart(known: Known, pid: number | undefined): string {
  if (known.installed) return `${PROGRAM} broker restart`;
  return pid === undefined ? start(known) : `kill -9 ${pid}`;
}

/** Replaces a broker of another version. `pid` is its process, if known. */
export function replace(known: Known, pid: number | undefined): string {
  if (known.installed) return `${PROGRAM} broker update`;
  return pid === undefined ? start(known) : `kill ${pid}`;
}
