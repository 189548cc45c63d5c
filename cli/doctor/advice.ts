/**
 * The command lines that several links advise.
 *
 * @module
 */

import { PROGRAM } from "../command.ts";
import type { Known } from "./examination.ts";
import { FOREGROUND_BROKER } from "../../proto/foreground.ts";

/** Makes a broker that many share, started when it is needed. */
export const INSTALL = `${PROGRAM} broker install`;

/** Starts a broker: the one that is installed, else one by hand. */
export function start({ installed }: Known): string {
  if (installed) return `${PROGRAM} broker start`;
  return FOREGROUND_BROKER;
}

/** Has a broker that does not answer, the process `pid` if that is known, followed by one that does. */
export function restart(known: Known, pid: number | undefined): string {
  if (known.installed) return `${PROGRAM} broker restart`;
  return pid === undefined ? start(known) : `kill -9 ${pid}`;
}

/** Has a broker of another version, the process `pid` if that is known, followed by one of this. */
export function replace(known: Known, pid: number | undefined): string {
  if (known.installed) return `${PROGRAM} broker update`;
  return pid === undefined ? start(known) : `kill ${pid}`;
}
