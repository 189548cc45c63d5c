/**
 * One step of the run: a command in its own session, with a time limit. It does
 * more than `runToEnd` of `../programs.ts`: processes that left the session are
 * found and killed too, and the two output streams are merged.
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
  /** What is run: the path of a test file, or a short text. */
  readonly name: string;
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Variables that it gets besides those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** It uses all cores, so it runs without others. */
  readonly alone: boolean;
  /** The time limit in seconds: at least ten times what it needs. */
  readonly limitSecs: number;
}

/** How many tests passed, failed, and were ignored. */
interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly ignored: number;
}

/** The result of a step. */
export interface Outcome {
  readonly tally: Tally;
  /** Why it counts as failed; undefined if it passed. */
  readonly failure: string | undefined;
  /** Its output, stdout and stderr in the order of arrival. */
  readonly output: string;
  /** The names of its tests that were ignored, with their reasons. */
  readonly ignored: readonly string[];
  readonly seconds: number;
}

/** How long other processes may run after the step's own process has ended. */
const LEAVING_MS = 60_000;
const LOOK_MS = 50;
/** The number of last lines that are shown of a step that was killed. */
const LAST_WORDS = 30;

/**
 * Runs a step until it ends, or until `late`. Then kills the processes that are left.
 *
 * @param late ends the step: at its time limit, or when the run is interrupted
 * @param leavingMs how long processes that it has started may run after it
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
    env: { ...step.env, [MARK]: mark, NO_COLOR: "1" },
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
    : await leftBehind(child.pid, mark, performance.now() + leavingMs, late);
  const immortal = await killProcesses(child.pid, mark);
  await ended(child.status, AbortSignal.timeout(LEAVING_MS));
  const isRead = await ended(reading, AbortSignal.timeout(LEAVING_MS)) !==
    undefined;
  const output = text.join("");
  const tally = tallyOf(output, status?.success ?? false);
  return {
    tally,
    failure: failureOf(step, status, tally, output, [
      ...left.map(describe),
      ...immortal.map((one) => `cannot be killed: ${describe(one)}`),
      ...(isRead
        ? []
        : ["a process that was not found, which keeps its output open"]),
    ]),
    output,
    ignored: ignoredIn(output),
    seconds: (performance.now() - started) / 1000,
  };
}

/** The names of ignored tests: of Deno's, and of ours in C with the reason after it. */
function ignoredIn(output: string): string[] {
  const found = output.matchAll(
    /^(?:(?<deno>.+) \.\.\. ignored\b|ignored (?<c>.+: .+)$)/gm,
  );
  return [...found].map(({ groups }) => groups!.deno ?? groups!.c!);
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

/** Returns the processes that still run some time after the step's own process has ended. */
async function leftBehind(
  session: number,
  mark: string,
  deadline: number,
  late: AbortSignal,
): Promise<Process[]> {
  for (;;) {
    const left = listProcesses(session, mark);
    if (left.length === 0 || late.aborted) return left;
    if (performance.now() > deadline) return left;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Returns the value of `promise`, or undefined if `late` comes first. */
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
 * Adds up the final lines of Deno's tests and of our C tests:
 * `ok | 12 passed (3 steps) | 0 failed | 1 ignored (2s)`. A command without such a
 * line counts as one test.
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
