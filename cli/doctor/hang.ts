/**
 * A broker that listens but does not answer: which process it is, and whether
 * it is stopped.
 *
 * @module
 */

import { serviceManager } from "../../launchd/installer.ts";
import { ServiceError } from "../../launchd/service_error.ts";
import type { Names } from "../../proto/names.ts";
import { managerTools } from "../service.ts";
import { restart } from "./advice.ts";
import type { Examination } from "./examination.ts";

const PS_TIMEOUT_MS = 2_000;

/** Returns the probable reason why the broker does not answer, and the advice. Runs `ps`, and the service manager's program. */
export async function whatHangs(
  examination: Examination,
): Promise<{ why: string; mend: string }> {
  const { console, known } = examination;
  const pid = await brokerProcess(examination);
  if (pid === undefined) {
    return {
      why:
        "a process listens there but accepts nothing: it is stopped or hangs",
      mend: restart(known, undefined),
    };
  }
  const ran = await console.runProgram(
    "ps",
    ["-o", "stat=", "-p", String(pid)],
    { timeoutMs: PS_TIMEOUT_MS },
  );
  if (ran?.stdout.trim().startsWith("T")) {
    return {
      why:
        `the broker, process ${pid}, is stopped, for example by Ctrl-Z or SIGSTOP`,
      mend: `kill -CONT ${pid}`,
    };
  }
  return {
    why: `the broker, process ${pid}, hangs`,
    mend: restart(known, pid),
  };
}

/**
 * The process id of the broker, from the lock file beside its socket; undefined if it is
 * not known. A broker that got its sockets from the service manager has no lock file, so
 * the manager is asked.
 */
export async function brokerProcess(
  examination: Pick<Examination, "console" | "known">,
): Promise<number | undefined> {
  return await lockHolder(examination.known.names!) ??
    await managedProcess(examination);
}

async function lockHolder(
  { xpcSocket, grpcSocket }: Names,
): Promise<number | undefined> {
  try {
    const lock = await Deno.readTextFile(`${xpcSocket ?? grpcSocket}.lock`);
    const [line = ""] = lock.split("\n");
    return /^\d{1,10}$/.test(line) ? Number(line) : undefined;
  } catch {
    return undefined; // only a hint: the advice does without it
  }
}

/** The process of the service manager. On macOS launchd may have an agent that no file of LaunchAgents describes. */
async function managedProcess(
  { console, known }: Pick<Examination, "console" | "known">,
): Promise<number | undefined> {
  const names = known.names!;
  if (!known.installed && names.plistFile === undefined) return undefined;
  try {
    const manager = await serviceManager(names, managerTools(console));
    return (await manager.report()).pid;
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return undefined; // as above
  }
}
