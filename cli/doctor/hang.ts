/**
 * A broker that listens but does not answer: which process it is, and whether
 * it is stopped.
 *
 * @module
 */

import type { Names } from "../../proto/names.ts";
import { restart } from "./advice.ts";
import type { Examination } from "./examination.ts";

const PS_TIMEOUT_MS = 2_000;

/** Returns the probable reason why the broker does not answer, and the advice. Runs `ps`. */
export async function whatHangs(
  { console, known }: Examination,
): Promise<{ why: string; mend: string }> {
  const pid = await brokerProcess(known.names!);
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

/** The process id of the broker, from the lock file beside its socket; undefined if it cannot be read. */
export async function brokerProcess(
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
