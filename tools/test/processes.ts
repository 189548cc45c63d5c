/**
 * The processes that a step of the run has started, directly or not. Linux has
 * them in /proc; elsewhere only the step's own process group is known.
 */

/** The variable that marks the processes of a step. Theirs inherit it, and their session. */
export const MARK = "STREAMLIB_TEST_STEP";

/** One process. */
export interface Process {
  readonly pid: number;
  /** Its command line, cut. */
  readonly command: string;
}

const COMMAND_LENGTH = 120;

/** The mark of a step; within another step's, where a run is part of a test. */
export function newMark(): string {
  return `${Deno.env.get(MARK) ?? ""}/${crypto.randomUUID()}`;
}

/** The processes of `session` and those with `mark` that run now. */
export function listProcesses(session: number, mark: string): Process[] {
  if (Deno.build.os !== "linux") return [];
  const found: Process[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      if (belongs(name, session, mark)) {
        found.push({ pid: Number(name), command: commandOf(name) });
      }
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}

function belongs(pid: string, session: number, mark: string): boolean {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const [state, , , itsSession] = stat.slice(stat.lastIndexOf(")") + 2)
    .split(" ");
  if (state === "Z" || state === "X") return false;
  return Number(itsSession) === session ||
    Deno.readTextFileSync(`/proc/${pid}/environ`).split("\0")
      .some((variable) =>
        variable === `${MARK}=${mark}` ||
        variable.startsWith(`${MARK}=${mark}/`)
      );
}

function commandOf(pid: string): string {
  return Deno.readTextFileSync(`/proc/${pid}/cmdline`).replaceAll("\0", " ")
    .trim().slice(0, COMMAND_LENGTH);
}

/** Sends SIGKILL to the processes of a step until none is left. */
export async function killProcesses(
  session: number,
  mark: string,
): Promise<void> {
  kill(-session);
  for (let left; (left = listProcesses(session, mark)).length > 0;) {
    for (const { pid } of left) kill(pid);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
