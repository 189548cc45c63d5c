/**
 * `deno task bench`: measures the rows of the target table (`targets.ts`). Nothing
 * here passes or fails by a time. docs/performance.md explains it.
 */

import { isolatedHome } from "../helpers/home.ts";
import { groups } from "./groups.ts";
import { allRows, subjectsOf, titleOf } from "./harness/plan.ts";
import { measureGroup } from "./harness/rounds.ts";
import { type Readings, rowOf } from "./harness/rows.ts";
import {
  type BenchOptions,
  BenchUsageError,
  readOptions,
  USAGE,
} from "./options.ts";
import { machine } from "./report/machine.ts";
import { markdownReport, textReport } from "./report/text.ts";
import { TARGETS } from "./targets.ts";

function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

function say(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

/** Measures once. */
async function measureAll(
  { extent }: BenchOptions,
  wanted: ReadonlySet<string>,
): Promise<Readings> {
  // Without a broker of this machine, and without a trace in the user's home.
  using _home = isolatedHome();
  const readings = new Map();
  for (const group of groups()) {
    if (!group.plans.some(({ name }) => wanted.has(name))) continue;
    for (const reading of await measureGroup(group, extent, wanted, say)) {
      readings.set(reading.name, reading);
    }
  }
  return readings;
}

/** Measures what the options want, and reports it. Returns the exit code. */
async function bench(options: BenchOptions): Promise<number> {
  const targets = allRows(TARGETS, groups())
    .filter((row) => options.only.test(titleOf(row)));
  if (targets.length === 0) {
    throw new BenchUsageError("--only matches no row; see --list");
  }
  if (options.output === "list") {
    write(targets.map(titleOf).join("\n"));
    return 0;
  }
  const runs: Readings[] = [];
  while (runs.length < options.runs) {
    say(`run ${runs.length + 1} of ${options.runs}`);
    runs.push(await measureAll(options, subjectsOf(targets)));
  }
  const rows = targets.map((target) => rowOf(target, runs));
  if (options.output === "json") {
    for (const row of rows) write(JSON.stringify(row));
  } else if (options.output === "markdown") write(markdownReport(rows));
  else write(textReport(rows));
  if (options.report !== undefined) {
    // Loaded late: a run without a report needs no library for plots.
    const { writeReport } = await import("./report/report.ts");
    const content = {
      machine: machine(options.extent, options.runs),
      targets,
      rows,
      runs,
      groups: groups(),
    };
    say(`wrote ${await writeReport(options.report, content)}`);
  }
  return rows.some(({ failed }) => failed) ? 1 : 0;
}

async function main(): Promise<number> {
  try {
    const options = readOptions(Deno.args);
    if (options !== "help") return await bench(options);
    write(USAGE.trimEnd());
    return 0;
  } catch (error) {
    if (!(error instanceof BenchUsageError)) throw error;
    say(`bench: ${error.message}. See deno task bench --help.`);
    return 2;
  }
}

Deno.exit(await main());
