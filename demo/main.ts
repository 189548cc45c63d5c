/**
 * `deno task demo`: sends a video through a processor in its own process,
 * verifies every frame that comes back, and prints the figures.
 *
 * @module
 */

import { BridgeError } from "../host/mod.ts";
import { surviveFileSizeLimit } from "../ffi/file_size_limit.ts";
import { writeFully, writeOrLose } from "../ffi/output.ts";
import { MediaError } from "./input/media_error.ts";
import { plainText } from "./input/quoted.ts";
import {
  DEMO_USAGE,
  type DemoOptions,
  DemoUsageError,
  readDemoOptions,
} from "./options.ts";
import { PreviewError } from "./preview/preview.ts";
import { type DemoOutcome, runDemo, StoppedError } from "./run.ts";
import { table } from "./summary.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

/** The signals that end a preview. */
const SIGNALS: readonly Deno.Signal[] = ["SIGINT", "SIGTERM"];

/** Ctrl-C arrives twice, from the terminal and from `deno task`: signals within this time count as one. */
const SAME_SIGNAL_MS = 500;

const encoder = new TextEncoder();

function say(text: string): void {
  writeOrLose(Deno.stderr, encoder.encode(`${text}\n`));
}

/** Aborts at the first signal; exits at the second. */
function stopOnSignal(): { readonly signal: AbortSignal } & Disposable {
  const stop = new AbortController();
  let first: number | undefined;
  const onSignal = (): void => {
    const now = performance.now();
    first ??= now;
    stop.abort();
    if (now - first > SAME_SIGNAL_MS) Deno.exit(EXIT_INTERRUPTED);
  };
  for (const signal of SIGNALS) Deno.addSignalListener(signal, onSignal);
  return {
    signal: stop.signal,
    [Symbol.dispose]: () => {
      for (const name of SIGNALS) Deno.removeSignalListener(name, onSignal);
    },
  };
}

/** An error for `--json`. */
interface ErrorReport {
  readonly code: string;
  readonly message: string;
}

/** Writes a result. It is no failure if the reader, such as `head`, has ended. */
function print(text: string): void {
  try {
    writeFully(Deno.stdout, encoder.encode(text));
  } catch (cause) {
    if (cause instanceof Deno.errors.BrokenPipe) return;
    throw new MediaError(
      "output_unwritable",
      `Cannot write the result to standard output: ${(cause as Error).message}`,
      { cause },
    );
  }
}

function jsonLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

async function main(args: string[]): Promise<number> {
  try {
    const options = readDemoOptions(args);
    if (options === "help") {
      print(DEMO_USAGE);
      return 0;
    }
    using stop = options.preview === undefined ? undefined : stopOnSignal();
    const outcome = await runDemo(options, {
      say,
      stop: stop?.signal ?? new AbortController().signal,
    });
    return report(options, outcome);
  } catch (error) {
    const known = reportOf(error);
    if (known === undefined) throw error;
    const isUsage = error instanceof DemoUsageError;
    say(`demo: ${known.message}`);
    if (isUsage) say("Try: deno task demo --help");
    if (args.includes("--json")) {
      writeOrLose(Deno.stdout, encoder.encode(jsonLine({ error: known })));
    }
    return isUsage ? EXIT_USAGE : EXIT_FAILED;
  }
}

/** Prints how a run has ended. Returns the exit code. */
function report(
  { json, snapshot: file }: DemoOptions,
  { summary, problems, snapshot }: DemoOutcome,
): number {
  for (const problem of problems) say(`demo: ${problem}`);
  // With --json, stdout is for a program: the table goes to stderr.
  if (json) writeOrLose(Deno.stderr, encoder.encode(table(summary)));
  else print(table(summary));
  const failed = snapshot instanceof MediaError ? snapshot : undefined;
  if (failed) say(`demo: ${failed.message}`);
  if (snapshot === true) say(`wrote ${plainText(file!)}`);
  if (json) {
    print(jsonLine({ ...summary, ...(failed && { error: reportOf(failed) }) }));
  }
  const complete = summary.frames_verified === summary.frames_sent &&
    summary.frames_sent > 0;
  return complete && !failed ? 0 : EXIT_FAILED;
}

/** Returns what to print of an error; `undefined` if it is a fault of the demo, whose stack is of use. */
function reportOf(error: unknown): ErrorReport | undefined {
  if (error instanceof BridgeError || error instanceof MediaError) {
    const { code, message } = error;
    return { code, message };
  }
  const code = error instanceof DemoUsageError
    ? "usage"
    : error instanceof PreviewError
    ? "preview_failed"
    : error instanceof StoppedError
    ? "stopped"
    : error instanceof Deno.errors.NotCapable
    ? "not_permitted"
    : undefined;
  return code && { code, message: (error as Error).message };
}

surviveFileSizeLimit(); // also for Deno's own caches
// An open of a FIFO that nobody writes to would keep the process alive.
Deno.exit(await main(Deno.args));
