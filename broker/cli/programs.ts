/**
 * Running other programs.
 *
 * @module
 */

import type { Ran, RunOptions } from "./console.ts";

/** As the program `timeout` says it. */
const TIMED_OUT = 124;

/** Runs a program to its end; `undefined` where there is no such program. Needs `--allow-run`. */
export async function runProgram(
  program: string,
  args: readonly string[],
  { env, timeoutMs, onStdout, inherit = false, stdinUntil }: RunOptions = {},
): Promise<Ran | undefined> {
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
  let late = false;
  const timeout = timeoutMs === undefined ? undefined : setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, timeoutMs);
  try {
    const [stdout, stderr, { code }] = await Promise.all([
      inherit ? "" : textOf(child.stdout, onStdout),
      inherit ? "" : textOf(child.stderr),
      child.status,
    ]);
    return { code: late ? TIMED_OUT : code, stdout, stderr };
  } finally {
    clearTimeout(timeout);
  }
}

/** What comes from a stream, unless somebody takes it as it comes. */
async function textOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  take?: (text: string) => void,
): Promise<string> {
  let kept = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    if (take) take(text);
    else kept += text;
  }
  return kept;
}
