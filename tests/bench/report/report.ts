/** Writes the report into a folder: `report.html`, and all numbers as `raw.json`. */

import type { Readings, Row } from "../harness/rows.ts";
import type { Group } from "../harness/subject.ts";
import type { Target } from "../harness/target.ts";
import type { Machine } from "./machine.ts";
import { reportPage } from "./page.ts";

/** What a report is made from. */
interface ReportContent {
  readonly machine: Machine;
  /** The targets of the rows, in the same order. */
  readonly targets: readonly Target[];
  readonly rows: readonly Row[];
  /** What was measured, by run. */
  readonly runs: readonly Readings[];
  readonly groups: readonly Group[];
}

/** Writes the report, and returns the path of the page. */
export async function writeReport(
  folder: string,
  { machine, targets, rows, runs, groups }: ReportContent,
): Promise<string> {
  await Deno.mkdir(folder, { recursive: true });
  const raw = { machine, rows, runs: runs.map((run) => [...run.values()]) };
  await Deno.writeTextFile(
    `${folder}/raw.json`,
    `${JSON.stringify(raw, null, 1)}\n`,
  );
  const page = `${folder}/report.html`;
  await Deno.writeTextFile(page, reportPage(machine, targets, rows, groups));
  return page;
}
