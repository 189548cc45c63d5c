/**
 * How this folder runs programs: handed in, so that a test can be launchd.
 *
 * @module
 */

/** A program that has ended. */
export interface ProgramResult {
  /** Its exit code. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; `undefined` where there is no such program. */
export type RunProgram = (
  program: string,
  args: readonly string[],
  options?: { readonly timeoutMs?: number },
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
  const { timeoutMs } = options;
  const signal = timeoutMs === undefined
    ? undefined
    : AbortSignal.timeout(timeoutMs);
  const decoder = new TextDecoder();
  try {
    const { code, stdout, stderr } = await new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      ...(signal && { signal }),
    }).output();
    return {
      code: signal?.aborted ? TIMED_OUT : code,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
};
