/** The command line of the bench. */

import { parseArgs } from "@std/cli/parse-args";
import type { Extent } from "./harness/subject.ts";

/** The help text. */
export const USAGE = `Usage: deno task bench [options]

Measures the bridge, the controls in C and the peers in the same run, and prints
the rows of the target table. docs/performance.md explains them.

Options:
  --quick          less of everything, in less than two minutes
  --only REGEX     only the rows whose "measure / control" matches
  --runs N         measure N times; a row is judged by the median (default: 1)
  --json           print a line of JSON per row instead of the table
  --markdown       print the table of docs/performance.md instead
  --report DIR     also write report.html with plots, and all numbers as raw.json
  --list           print the rows, and measure nothing
  -h, --help       show this text

Exit codes: 0 measured, whether targets are met or not; 1 a measure has failed;
2 wrong arguments.
`;

/** Thrown for wrong arguments. */
export class BenchUsageError extends Error {}

/** What is printed. */
export type Output = "text" | "json" | "markdown" | "list";

/** The options. */
export interface BenchOptions {
  readonly extent: Extent;
  /** Whether a row is wanted, by its measure and its control. */
  readonly only: RegExp;
  readonly runs: number;
  readonly output: Output;
  /** The folder of the report; `undefined` for none. */
  readonly report: string | undefined;
}

/** Reads the arguments. Throws {@link BenchUsageError}. */
export function readOptions(args: readonly string[]): BenchOptions | "help" {
  const read = parseArgs([...args], {
    boolean: ["quick", "json", "markdown", "list", "help"],
    string: ["only", "runs", "report"],
    alias: { h: "help" },
    unknown: (arg) => {
      throw new BenchUsageError(`unknown argument ${JSON.stringify(arg)}`);
    },
  });
  if (read["help"]) return "help";
  const outputs = (["json", "markdown", "list"] as const)
    .filter((name) => read[name]);
  if (outputs.length > 1) {
    throw new BenchUsageError(`--${outputs.join(" and --")}: choose one`);
  }
  return {
    extent: read["quick"] ? "quick" : "full",
    only: regexIn(read["only"] ?? ""),
    runs: runsIn(read["runs"] ?? "1"),
    output: outputs[0] ?? "text",
    report: read["report"] === "" ? "." : read["report"],
  };
}

function regexIn(text: string): RegExp {
  try {
    return new RegExp(text, "i");
  } catch (error) {
    throw new BenchUsageError(`--only: ${(error as Error).message}`);
  }
}

function runsIn(text: string): number {
  if (/^[1-9]\d?$/.test(text)) return Number(text);
  throw new BenchUsageError(
    `--runs takes a number from 1 to 99, not '${text}'`,
  );
}
