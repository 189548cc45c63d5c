/**
 * The command lines that several links advise.
 *
 * @module
 */

import { PROGRAM } from "../command.ts";
import { managerState } from "../manager_state.ts";
import type { Console } from "../terminal/console.ts";
import type { Known } from "./examination.ts";
import { brokerCommand } from "../../proto/foreground.ts";

/** Installs a broker that all runtimes of the user share and that starts on demand. */
export const INSTALL = `${PROGRAM} broker install`;

/** Starts a broker: the installed one, or one in the foreground; on macOS installs one. */
export function start({ installed }: Known): string {
  if (installed) return `${PROGRAM} broker start`;
  return brokerCommand();
}

/** What the service manager knows of an installed broker that does not run; nothing if it sees nothing wrong. */
export async function managerAdvice(
  { installed, names }: Known,
  console: Console,
): Promise<{ why?: string; mend?: string }> {
  if (!installed || names === undefined) return {};
  const state = await managerState(names, console);
  if (state === undefined) return {};
  return { why: [state.why, ...state.more].join("\n"), mend: state.mend };
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
