/**
 * Runs other programs. The service managers get this function as a parameter, so that
 * a test can replace it.
 *
 * @module
 */

/** The options of a run. */
export interface ProgramOptions {
  /** Environment variables in addition to those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** The time limit in milliseconds, after which it is killed and its code is 124. No limit by default. */
  readonly timeoutMs?: number;
  /** Called with each piece of stdout. The result's `stdout` is empty then. */
  readonly onStdout?: (text: string) => void;
  /** It uses the three streams of this process. The result has no output then. */
  readonly inherit?: boolean;
  /** Its stdin is empty, and is closed when this settles; at once by default. */
  readonly stdinUntil?: Promise<void>;
}

/** The result of a program. */
export interface ProgramResult {
  /** The exit code; 128 plus the signal's number if a signal ended it. */
  readonly code: number;
  /** At least its last mebibyte. */
  readonly stdout: string;
  /** At least its last mebibyte. */
  readonly stderr: string;
}

/** What is kept of a stream's text, at the least. */
const KEPT_CHARACTERS = 2 ** 20;

/** Runs a program to its end. Resolves with `undefined` if there is no such program. */
export type RunProgram = (
  program: string,
  args: readonly string[],
  options?: ProgramOptions,
) => Promise<ProgramResult | undefined>;

/** The time limit for a service manager's program. */
export const PROGRAM_TIMEOUT_MS = 30_000;

/** The code of a program that was killed at its time limit, as of `timeout`. */
export const TIMED_OUT = 124;

/** The first line of a program's output, stderr first: its error message. */
export function complaintOf({ code, stdout, stderr }: ProgramResult): string {
  const lines = `${stderr}\n${stdout}`.split("\n").map((line) => line.trim());
  return lines.find((line) => line !== "") ?? `it ended with code ${code}`;
}

/** Runs a program with `Deno.Command`. Needs `--allow-run`. */
export const runProgram: RunProgram = async (program, args, options = {}) => {
  const { env, timeoutMs, onStdout, inherit = false, stdinUntil } = options;
  const piped = inherit ? "inherit" : "piped";
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args: [...args],
      stdin: inherit ? "inherit" : stdinUntil ? "piped" : "null",
      stdout: piped,
      stderr: piped,
      ...(env && { env }),
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  // Closing fails if the program has ended already.
  stdinUntil?.then(() => child.stdin.close()).catch(() => {});
  const late = new AbortController();
  const timeout = timeoutMs === undefined
    ? undefined
    : setTimeout(() => late.abort(), timeoutMs);
  late.signal.addEventListener("abort", () => kill(child));
  try {
    const [stdout, stderr, { code }] = await Promise.all([
      inherit ? "" : textOf(child.stdout, late.signal, onStdout),
      inherit ? "" : textOf(child.stderr, late.signal),
      child.status,
    ]);
    return { code: late.signal.aborted ? TIMED_OUT : code, stdout, stderr };
  } finally {
    clearTimeout(timeout);
  }
};

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended already
  }
}

/**
 * Reads a stream to its end, or until the signal aborts: after a program has ended, a
 * child of it may keep the stream open. With `take` nothing is kept.
 */
async function textOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  late: AbortSignal,
  take?: (text: string) => void,
): Promise<string> {
  let kept = "";
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  const cancel = (): void => void reader.cancel();
  late.addEventListener("abort", cancel);
  try {
    for (;;) {
      const { value, done } = await reader.read();
      const text = decoder.decode(value, { stream: !done });
      if (take) take(text);
      else kept += text;
      if (kept.length > 2 * KEPT_CHARACTERS) {
        kept = kept.slice(-KEPT_CHARACTERS);
      }
      if (done) return kept;
    }
  } finally {
    late.removeEventListener("abort", cancel);
  }
}
