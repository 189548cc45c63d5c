/**
 * Runs `launchctl` and explains its codes. Not tested on a Mac: the codes are those of
 * `launchctl error`, and their causes are from reports on the net.
 *
 * @module
 */

import {
  complaintOf,
  PROGRAM_TIMEOUT_MS,
  type ProgramResult,
  type RunProgram,
  TIMED_OUT,
} from "./run_program.ts";
import { ServiceError, type ServiceErrorCode } from "./service_error.ts";

/** The codes that callers handle. */
export const LAUNCHCTL = {
  /** "No such process": the service to boot out is not loaded. */
  noSuchProcess: 3,
  /** "Input/output error": it is loaded already, is still ending, or cannot be loaded. */
  inputOutput: 5,
  /** "File exists": it is loaded already. */
  exists: 17,
  /** "Operation now in progress": it is still ending. */
  inProgress: 36,
  /** "Operation already in progress": it is loaded already, or is being loaded. */
  alreadyInProgress: 37,
  /** "Could not find specified domain": no login of this user has made it. */
  noSuchDomain: 112,
  /** "Could not find specified service": it is not loaded. */
  noSuchService: 113,
} as const;

/** The service is not loaded. */
export const NOT_LOADED: readonly number[] = [
  LAUNCHCTL.noSuchProcess,
  LAUNCHCTL.noSuchService,
];

/** It is loaded, or is being loaded or ended: check, wait, and try again. */
export const IN_BETWEEN: readonly number[] = [
  LAUNCHCTL.inputOutput,
  LAUNCHCTL.exists,
  LAUNCHCTL.inProgress,
  LAUNCHCTL.alreadyInProgress,
];

interface Meaning {
  readonly code: ServiceErrorCode;
  readonly meaning: string;
  readonly next: (target: string) => string;
}

const PRINT = (target: string): string => `launchctl print ${target}`;
const INSTALL = (): string => "streamlib broker install --force";
const NO_SESSION: Meaning = {
  code: "no_manager",
  meaning:
    "launchd has no such domain for this user: gui/… begins with a login at the Mac's screen, user/… with any login, and under sudo there is none",
  next: () => "the same in a login of this user's own, without sudo",
};

const MEANINGS: Readonly<Record<number, Meaning>> = {
  1: {
    code: "refused",
    meaning:
      "not permitted; launchd takes orders of the service's own user alone",
    next: () => "the same without sudo",
  },
  3: {
    code: "not_installed",
    meaning: "the agent is not loaded",
    next: () => "streamlib broker start",
  },
  5: {
    code: "refused",
    meaning:
      "it is loaded already, its last broker is still ending, or the property list cannot be loaded: a path in it that is not there, or an agent that is switched off, by `launchctl disable` or in System Settings > General > Login Items & Extensions",
    next: (target) => `launchctl enable ${target}`,
  },
  78: {
    code: "refused",
    meaning:
      "the agent's configuration cannot work: mostly a program or a log directory that is not there",
    next: INSTALL,
  },
  109: {
    code: "refused",
    meaning: "launchd cannot read the property list",
    next: INSTALL,
  },
  112: NO_SESSION,
  113: {
    code: "not_installed",
    meaning: "launchd does not know the agent",
    next: () => "streamlib broker start",
  },
  119: {
    code: "refused",
    meaning: "the agent is switched off, by `launchctl disable`",
    next: (target) => `launchctl enable ${target}`,
  },
  122: {
    code: "refused",
    meaning:
      "the property list belongs to another user, or others may write to it",
    next: INSTALL,
  },
  124: {
    code: "refused",
    meaning: "the user is being logged out",
    next: () => "the same after the next login",
  },
  125: NO_SESSION,
  134: {
    code: "refused",
    meaning:
      "the property list is for another session: Aqua is the one at the Mac's screen, Background all others",
    next: () => "streamlib broker update",
  },
};

/** Runs `launchctl` and returns its result, whatever the code. Throws `no_manager` if there is no such program, or `timed_out`. */
export async function launchctl(
  run: RunProgram,
  args: readonly string[],
): Promise<ProgramResult> {
  const ran = await run("launchctl", args, { timeoutMs: PROGRAM_TIMEOUT_MS });
  const tried = `Cannot run 'launchctl ${args.join(" ")}'`;
  if (ran === undefined) {
    throw new ServiceError(
      "no_manager",
      `${tried}: there is no launchctl on the PATH`,
      "PATH=/bin:/usr/bin:$PATH streamlib broker doctor",
    );
  }
  if (ran.code === TIMED_OUT) {
    throw new ServiceError(
      "timed_out",
      `${tried}: it did not end within ${PROGRAM_TIMEOUT_MS / 1000} s`,
      "log show --last 5m --predicate 'process == \"launchd\"'",
    );
  }
  return ran;
}

/** The code of a result. A code in the output, as in `Bootstrap failed: 5: …`, has precedence over the exit code. */
export function launchctlCode(ran: ProgramResult): number {
  if (ran.code === 0) return 0;
  const [, written] = /: (\d{1,3}): /.exec(`${ran.stderr}\n${ran.stdout}`) ??
    [];
  return written === undefined ? ran.code : Number(written);
}

/**
 * Explains a failure, with a command that helps.
 *
 * @param target the service, `gui/501/com.example.service`
 */
export function explainLaunchctl(
  ran: ProgramResult,
  args: readonly string[],
  target: string,
): ServiceError {
  const code = launchctlCode(ran);
  const known = MEANINGS[code];
  return new ServiceError(
    known?.code ?? "refused",
    `Cannot run 'launchctl ${args.join(" ")}': ${
      complaintOf(ran)
    } (code ${code}${known ? `: ${known.meaning}` : ""})`,
    (known?.next ?? PRINT)(target),
  );
}
