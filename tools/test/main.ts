/**
 * `deno task test` and `deno task test:all`: runs the tests, each heavy file in
 * its own process group and with a time limit. Shows the progress, and ends with a
 * summary. See docs/testing.md.
 */

import { parseArgs } from "node:util";
import { type Extent, PARTS, planParts } from "./parts.ts";
import { printLine, Report } from "./report.ts";
import { runParts } from "./run.ts";

const USAGE =
  `deno task test [--all | --rest] [--jobs N] [--limit SECS] [WHAT ...]

  --all         everything, as deno task test:all
  --rest        only what deno task test leaves out
  --jobs N      how many test files run at once (twice as many as there are cores)
  --limit SECS  end each command after SECS seconds (default: 20
                minutes or more, by part)
  WHAT          a part, or a piece of a test file's path

Parts: ${PARTS.map(({ name }) => name).join(", ")}`;

/** The text as a positive integer, or undefined. */
function count(text: string | undefined): number | undefined {
  return /^[1-9]\d{0,5}$/.test(text ?? "") ? Number(text) : undefined;
}

function usage(problem: string): number {
  printLine(`${problem}\n\n${USAGE}`);
  return 2;
}

/** Twice as many as there are cores, because a test often waits for an event. */
const DEFAULT_JOBS = navigator.hardwareConcurrency * 2;

async function main(): Promise<number> {
  const { values, positionals: wanted } = parseArgs({
    options: {
      all: { type: "boolean", default: false },
      rest: { type: "boolean", default: false },
      jobs: { type: "string", default: String(DEFAULT_JOBS) },
      limit: { type: "string" },
      help: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  if (values.help) {
    printLine(USAGE);
    return 0;
  }
  const jobs = count(values.jobs), limitSecs = count(values.limit);
  if (jobs === undefined) return usage("--jobs takes a whole number above 0.");
  if (values.limit !== undefined && limitSecs === undefined) {
    return usage("--limit takes a whole number of seconds above 0.");
  }
  if (values.all && values.rest) return usage("--all has what --rest has.");
  const extent: Extent = values.all ? "all" : values.rest ? "rest" : "quick";
  const parts = await planParts(extent, wanted);
  const nothing = wanted.find((word) =>
    !parts.some(({ name, steps }) =>
      name === word || steps.some((step) => step.name.includes(word))
    )
  );
  if (nothing !== undefined) return usage(`No test is called '${nothing}'.`);
  const report = new Report(parts, {
    // What was named was chosen; nothing was left out.
    leftOut: extent === "quick" && wanted.length === 0
      ? PARTS.filter(({ quick }) => !quick).map(({ name }) => name)
      : [],
    timed: wanted.length === 0,
  });
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => interrupted.abort(signal));
  }
  await runParts(parts, { jobs, limitSecs, report, stop: interrupted.signal });
  return report.close(interrupted.signal.reason);
}

Deno.exit(await main());
