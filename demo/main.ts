/**
 * `deno task demo`: sends a video through a processor in its own process,
 * verifies every frame that comes back, and prints the figures.
 *
 * @module
 */

import { BridgeError } from "../host/mod.ts";
import { MediaError } from "./input/media_error.ts";
import { DEMO_USAGE, DemoUsageError, readDemoOptions } from "./options.ts";
import { PreviewError } from "./preview/preview.ts";
import { runDemo, StoppedError } from "./run.ts";
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
  Deno.stderr.writeSync(encoder.encode(`${text}\n`));
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

async function main(): Promise<number> {
  try {
    const options = readDemoOptions(Deno.args);
    if (options === "help") {
      Deno.stdout.writeSync(encoder.encode(DEMO_USAGE));
      return 0;
    }
    using stop = options.preview === undefined ? undefined : stopOnSignal();
    const { summary, problems } = await runDemo(options, {
      say,
      stop: stop?.signal ?? new AbortController().signal,
    });
    for (const problem of problems) say(`demo: ${problem}`);
    // With --json, stdout is for a program: the table goes to stderr.
    if (options.json) Deno.stderr.writeSync(encoder.encode(table(summary)));
    else Deno.stdout.writeSync(encoder.encode(table(summary)));
    if (options.snapshot) say(`wrote ${options.snapshot}`);
    if (options.json) {
      Deno.stdout.writeSync(encoder.encode(`${JSON.stringify(summary)}\n`));
    }
    const complete = summary.frames_verified === summary.frames_sent &&
      summary.frames_sent > 0;
    return complete ? 0 : EXIT_FAILED;
  } catch (error) {
    if (error instanceof DemoUsageError) {
      say(`demo: ${error.message}\nTry: deno task demo --help`);
      return EXIT_USAGE;
    }
    if (
      error instanceof BridgeError || error instanceof MediaError ||
      error instanceof PreviewError || error instanceof StoppedError
    ) {
      say(`demo: ${error.message}`);
      return EXIT_FAILED;
    }
    throw error;
  }
}

Deno.exitCode = await main();
