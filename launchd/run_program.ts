/**
 * Running other programs. Those of a service manager are run by what is handed
 * in, so that a test can be launchd.
 *
 * @module
 */

/** How a program is run. */
export interface ProgramOptions {
  /** Variables for it, besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds after which it is killed, which counts as code 124; no limit if not said. */
  readonly timeoutMs?: number;
  /** Called with what it writes to stdout while it does; nothing is kept then. */
  readonly onStdout?: (text: string) => void;
  /** Its three streams are this process's own; nothing is kept. */
  readonly inherit?: boolean;
  /** Its standard input is empty, and ends when this is settled; at once if not said. */
  readonly stdinUntil?: Promise<void>;
}

/** A program that has ended. */
export interface ProgramResult {
  /** Its exit code; 128 and the signal's number where one ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; `undefined` where there is no such program. */
export type RunProgram = (
  program: string,
  args: readonly string[],
  options?: ProgramOptions,
) => Promise<ProgramResult | undefined>;

/** After so long a service manager is not going to answer any more. */
export const PROGRAM_TIMEOUT_MS = 30_000;

/** The code of a program that was killed after its time, as `timeout` has it. */
export const TIMED_OUT = 124;

/** What a program had to say about its failure, in one line. */
export function complaintOf({ code, stdout, stderr }: ProgramResult): string {
  const lines = `${stderr}\n${stdout}`.split("\n").map((line) => line.trim());
  return lines.find((line) => line !== "") ?? `it ended with code ${code}`;
}

/** Runs one by Deno. Needs `--allow-run` for it. */
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
  // It fails where the program has ended before.
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
    if (!(error instanceof TypeError)) throw error; // it has ended by itself
  }
}

/**
 * What comes from a stream, unless somebody takes it as it comes. Until the
 * signal: a program that has ended may leave another that holds the stream.
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
      if (done) return kept;
    }
  } finally {
    late.removeEventListener("abort", cancel);
  }
}
