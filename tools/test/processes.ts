/**
 * Finds the processes that a step of the run has started, directly or indirectly.
 * On Linux they are found in /proc; on other systems only the step's own process
 * group is known.
 */

/** The environment variable that marks the processes of a step. Child processes inherit it. */
export const MARK = "STREAMLIB_TEST_STEP";

/** One process. */
export interface Process {
  readonly pid: number;
  /** Its command line, shortened. */
  readonly command: string;
}

/** The characters of a long command line that are shown: of its beginning, and of its end, which names the test file. */
const COMMAND_HEAD = 50;
const COMMAND_TAIL = 100;

/** Returns a new mark. Inside another step it extends that step's mark: a test can run a run. */
export function newMark(): string {
  return `${Deno.env.get(MARK) ?? ""}/${crypto.randomUUID()}`;
}

/** Returns the running processes of `session`, and those with `mark`. */
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
      // The process has ended in the meantime.
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
  const command = Deno.readTextFileSync(`/proc/${pid}/cmdline`)
    .replaceAll("\0", " ").trim();
  return command.length <= COMMAND_HEAD + COMMAND_TAIL
    ? command
    : `${command.slice(0, COMMAND_HEAD)} … ${command.slice(-COMMAND_TAIL)}`;
}

/** How long processes that were sent SIGKILL may take to end. */
const DYING_MS = 60_000;

/** Kills the processes of a step. Returns those that cannot be killed. */
export async function killProcesses(
  session: number,
  mark: string,
): Promise<Process[]> {
  if (Deno.build.os !== "linux") kill(-session);
  const deadline = performance.now() + DYING_MS;
  for (;;) {
    const left = listProcesses(session, mark);
    if (left.length === 0 || performance.now() > deadline) return left;
    for (const { pid } of left) kill(pid);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    const expected = error instanceof Deno.errors.NotFound ||
      // A set-user-id program; on macOS also a group of zombies.
      error instanceof Deno.errors.PermissionDenied;
    if (!expected) throw error;
  }
}
