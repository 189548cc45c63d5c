/**
 * What the service manager knows of an installed broker that does not answer.
 *
 * @module
 */

import { serviceManager } from "../launchd/installer.ts";
import { ServiceError } from "../launchd/service_error.ts";
import type { ServiceManager } from "../launchd/service_manager.ts";
import type { Names } from "../proto/names.ts";
import { PROGRAM } from "./command.ts";
import { lastWordLines } from "./first_contact.ts";
import { managerTools } from "./service.ts";
import type { Console } from "./terminal/console.ts";

/** Why an installed broker does not run, and what to do. */
export interface ManagerState {
  readonly why: string;
  /** More lines: the broker's last words. */
  readonly more: readonly string[];
  readonly mend: string;
}

const START = `${PROGRAM} broker start`;
const UPDATE = `${PROGRAM} broker update`;

/** What `update` puts right: a program, a module or a version that is no longer there. */
const OUTDATED =
  /status 203|launchd cannot start it|--cached-only|not found in cache|lockfile|Module not found|library_not_found/i;

/**
 * Asks the service manager why an installed broker does not answer. Returns `undefined`
 * if the manager sees nothing wrong. Runs `systemctl` or `launchctl`.
 */
export async function managerState(
  names: Names,
  console: Console,
): Promise<ManagerState | undefined> {
  try {
    return await ask(await serviceManager(names, managerTools(console)));
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return { why: error.message, more: [], mend: error.next };
  }
}

async function ask(manager: ServiceManager): Promise<ManagerState | undefined> {
  const { kind } = manager;
  const { state, reason, next } = await manager.report();
  switch (state) {
    case "absent":
      return {
        why: `${kind} does not know the installed broker`,
        more: [],
        mend: UPDATE,
      };
    case "stopped":
      return {
        why: `${kind} says that the installed broker is stopped: ${
          reason ?? "its sockets do not listen"
        }`,
        more: [],
        mend: next ?? START,
      };
    case "listening":
      return undefined;
    case "running":
      if (reason === undefined) return undefined;
      return await failed(
        `${kind} starts it again, because ${reason}`,
        manager,
      );
    case "failed":
      return await failed(
        `${kind} says that it has failed, ${reason}`,
        manager,
      );
  }
}

/** A failure with the broker's last words. `start` resets it; `update` also puts back what is missing. */
async function failed(
  why: string,
  manager: ServiceManager,
): Promise<ManagerState> {
  const more = await lastWordLines(manager);
  const outdated = OUTDATED.test([why, ...more].join("\n"));
  return { why, more, mend: outdated ? UPDATE : START };
}
