/**
 * One step of the run: a command in a session of its own, with a limit. What it
 * leaves behind is found and ended, so that a step never holds up the run.
 */

import {
  killProcesses,
  listProcesses,
  MARK,
  newMark,
  type Process,
} from "./processes.ts";

/** A command to run. */
export interface Step {
  /** Says what is run: a test file's path, or a phrase. */
  readonly name: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** It uses every core, so nothing runs beside it. */
  readonly alone: boolean;
  /** It is ended after so many seconds: ten times what it takes, or more. */
  readonly limitSecs: number;
}

/** How many tests passed, failed, and were ignored. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
}

/** What became of a step. */
export interface Outcome {
  readonly tally: Tally;
  /** Why it counts as failed; undefined when it passed. */
  readonly failure: string | undefined;
  /** All that it wrote, stdout and stderr as they came. */
  readonly output: string;
  /** The names of its tests that were ignored, with their reasons. */
  readonly ignored: readonly string[];
  readonly seconds: number;
}

/** How long processes that are on their way out may take after the step's own has ended. */
const LEAVING_MS = 60_000;
const LOOK_MS = 50;
/** How many of the last lines are shown of a step that was ended. */
const LAST_WORDS = 30;

/**
 * Runs a step to its end, or until `late`, and ends what it has left.
 *
 * @param late ends the step: its limit is over, or the run is
 * @param leavingMs how long processes that it has started may outlive it
 */
export async function runStep(
  step: Step,
  late: AbortSignal,
  leavingMs = LEAVING_MS,
): Promise<Outcome> {
  const started = performance.now();
  const mark = newMark();
  const [program = "", ...args] = step.command;
  const child = new Deno.Command(program, {
    args,
    env: { [MARK]: mark, NO_COLOR: "1" },
    detached: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const text: string[] = [];
  const reading = Promise.all([
    read(child.stdout, text),
    read(child.stderr, text),
  ]);
  const status = await ended(child.status, late);
  const left = status === undefined
    ? listProcesses(child.pid, mark)
    : await leftBehind(child.pid, mark, performance.now() + leavingMs);
  await killProcesses(child.pid, mark);
  await child.status;
  await ended(reading, AbortSignal.timeout(LEAVING_MS));
  const output = text.join("");
  const tally = tallyOf(output, status?.success ?? false);
  return {
    tally,
    failure: failureOf(step, status, tally, output, left.map(describe)),
    output,
    ignored: [...output.matchAll(/^(.+) \.\.\. ignored\b/gm)].map(([, n]) =>
      n!
    ),
    seconds: (performance.now() - started) / 1000,
  };
}

function describe({ pid, command }: Process): string {
  return `process ${pid}: ${command}`;
}

function failureOf(
  step: Step,
  status: Deno.CommandStatus | undefined,
  { failed }: Tally,
  output: string,
  left: readonly string[],
): string | undefined {
  if (status === undefined) {
    const words = output.trimEnd().split("\n").slice(-LAST_WORDS).join("\n");
    return `It did not end within its limit, ${step.limitSecs} s, and was ended. ` +
      `What ran:\n${indent(left)}\nIts last words:\n${words}`;
  }
  if (!status.success || failed > 0) {
    const how = status.signal ? `by ${status.signal}` : `with ${status.code}`;
    return `It ended ${how}.\n${output.trimEnd()}`;
  }
  if (left.length === 0) return undefined;
  return `It passed, and left behind what had to be ended:\n${indent(left)}`;
}

function indent(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}`).join("\n");
}

/** What is still there some time after the step's own process has ended. */
async function leftBehind(
  session: number,
  mark: string,
  deadline: number,
): Promise<Process[]> {
  for (;;) {
    const left = listProcesses(session, mark);
    if (left.length === 0 || performance.now() > deadline) return left;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** What `promise` comes to, or undefined where `late` comes first. */
async function ended<T>(
  promise: Promise<T>,
  late: AbortSignal,
): Promise<T | undefined> {
  const aborted = Promise.withResolvers<undefined>();
  const abort = (): void => aborted.resolve(undefined);
  if (late.aborted) abort();
  late.addEventListener("abort", abort);
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    late.removeEventListener("abort", abort);
  }
}

async function read(
  stream: ReadableStream<Uint8Array>,
  text: string[],
): Promise<void> {
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    text.push(chunk);
  }
}

/**
 * The closing lines of Deno's tests, and of ours in C, added up:
 * `ok | 12 passed (3 steps) | 0 failed | 1 ignored (2s)`. A command that has
 * none is one test.
 */
export function tallyOf(output: string, success: boolean): Tally {
  const lines = output.match(/^(ok|FAILED) \| .*$/gm) ?? [];
  if (lines.length === 0) {
    return { passed: Number(success), failed: Number(!success), ignored: 0 };
  }
  const sum = (word: string): number =>
    lines.reduce(
      (before, line) =>
        before + Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0),
      0,
    );
  const failed = sum("failed");
  return {
    passed: sum("passed"),
    failed: success ? failed : Math.max(failed, 1),
    ignored: sum("ignored"),
  };
}
