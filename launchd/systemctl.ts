/**
 * Runs `systemctl --user` and explains its failures.
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
import { ServiceError } from "./service_error.ts";
import { FOREGROUND_BROKER } from "../proto/foreground.ts";

/** The command for a broker without a service manager. */
export const IN_THE_FOREGROUND: string =
  `${FOREGROUND_BROKER}, in another terminal`;

/** Runs `systemctl --user` with `args` and returns its stdout. Throws ServiceError unless it ends with code 0. */
export async function systemctl(
  run: RunProgram,
  args: readonly string[],
): Promise<string> {
  const ran = await run(
    "systemctl",
    ["--user", "--no-pager", ...args],
    { timeoutMs: PROGRAM_TIMEOUT_MS },
  );
  if (ran?.code === 0) return ran.stdout;
  throw explainSystemctl(ran, args);
}

const NO_BUS =
  /Failed to connect to (\w+ scope )?bus|DBUS_SESSION_BUS_ADDRESS|not been booted with systemd|Host is down/i;

/** Explains a failure, with a command that helps. `ran` is `undefined` if there is no systemctl. */
export function explainSystemctl(
  ran: ProgramResult | undefined,
  args: readonly string[],
): ServiceError {
  const words = args.filter((arg) => !arg.startsWith("--property="));
  const tried = `Cannot run 'systemctl --user ${words.join(" ")}'`;
  const unit = args.find((arg) => /\.(socket|service)$/.test(arg)) ?? "";
  if (ran === undefined) {
    return new ServiceError(
      "no_manager",
      `${tried}: there is no systemctl on the PATH, so this system has another service manager, or none, as in containers`,
      IN_THE_FOREGROUND,
    );
  }
  const complaint = complaintOf(ran);
  if (ran.code === TIMED_OUT) {
    return new ServiceError(
      "timed_out",
      `${tried}: it did not end within ${PROGRAM_TIMEOUT_MS / 1000} s`,
      "systemctl --user list-jobs",
    );
  }
  if (NO_BUS.test(complaint)) return noBus(tried, complaint);
  if (/is masked/.test(complaint)) {
    return new ServiceError(
      "refused",
      `${tried}: ${complaint}; somebody has forbidden it to be started`,
      `systemctl --user unmask ${unit}`,
    );
  }
  // 5 is LSB's code for "not installed"; `show` and `disable` have only the text.
  if (ran.code === 5 || /not found|not loaded|not exist/.test(complaint)) {
    return new ServiceError(
      "not_installed",
      `${tried}: ${complaint}`,
      "streamlib broker install",
    );
  }
  return new ServiceError(
    "refused",
    `${tried}: ${complaint} (code ${ran.code})`,
    `systemctl --user status ${unit || "--failed"}`,
  );
}

function noBus(tried: string, complaint: string): ServiceError {
  const denied = /permission denied/i.test(complaint);
  return new ServiceError(
    "no_manager",
    `${tried}: ${complaint}; ${
      denied
        ? "XDG_RUNTIME_DIR belongs to another user, as it does after su or sudo"
        : "this user has no systemd session, as in containers, after su, and over some logins"
    }`,
    denied ? "the same in a login of this user's own" : IN_THE_FOREGROUND,
  );
}
