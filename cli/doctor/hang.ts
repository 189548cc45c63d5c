/**
 * A broker that is there, and does not answer: which process it is, and what
 * is the matter with it.
 *
 * @module
 */

import type { Names } from "../../proto/names.ts";
import { restart } from "./advice.ts";
import type { Examination } from "./examination.ts";

const PS_TIMEOUT_MS = 2_000;

/** Why it does not answer, as far as that can be told, and what helps. */
export async function whatHangs(
  { console, known }: Examination,
): Promise<{ why: string; mend: string }> {
  const pid = await brokerProcess(known.names!);
  if (pid === undefined) {
    return {
      why: "a process is behind it that takes nothing: it is stopped, or hangs",
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
      why: `the broker, process ${pid}, was stopped, as by Ctrl-Z or SIGSTOP`,
      mend: `kill -CONT ${pid}`,
    };
  }
  return {
    why: `the broker, process ${pid}, hangs`,
    mend: restart(known, pid),
  };
}

/** The process that serves the names, as it wrote it into the lock beside its socket. */
export async function brokerProcess(
  { xpcSocket, grpcSocket }: Names,
): Promise<number | undefined> {
  try {
    const lock = await Deno.readTextFile(`${xpcSocket ?? grpcSocket}.lock`);
    const [line = ""] = lock.split("\n");
    return /^\d{1,10}$/.test(line) ? Number(line) : undefined;
  } catch {
    return undefined; // a clue that is not there
  }
}
