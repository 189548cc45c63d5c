/** The report for a terminal, and the table of docs/performance.md. */

import type { Row } from "../harness/rows.ts";
import { short, withUnit } from "./number.ts";

/** What a row says, by column. */
export function cells(row: Row): readonly string[] {
  const { measure, unit, value, control, control_value, target, met } = row;
  if (value === null) {
    const how = row.failed ? "failed" : "not measurable here";
    return [
      measure,
      `${how}: ${row.reason}`,
      control ?? "",
      "",
      target ?? "",
      "",
    ];
  }
  return [
    measure,
    withUnit(value, unit),
    control === null || control_value === null
      ? ""
      : `${control}: ${withUnit(control_value, unit)}`,
    compared(row),
    target ?? "",
    met === null ? "" : met ? "met" : "NOT MET",
  ];
}

/** The ratio, or the difference, as the row compares. */
function compared({ comparison, judged, unit }: Row): string {
  if (judged === null || comparison === "value") return "";
  if (comparison === "ratio") return `${short(judged)}x`;
  return `${judged < 0 ? "" : "+"}${withUnit(judged, unit)}`;
}

/** The columns of {@link cells}. */
export const HEADINGS = [
  "measure",
  "value",
  "compared with",
  "ratio",
  "target",
  "",
] as const;

const STATED_HEADINGS = ["stated", "p50", "p99", "placement"] as const;

/** Rows with a target, and rows without one: they have their 99th percentile and their placement instead. */
function tables(
  rows: readonly Row[],
): readonly (readonly (readonly string[])[])[] {
  const judged = rows.filter(({ target }) => target !== null).map(cells);
  const stated = rows.filter(({ target }) => target === null).map(statedCells);
  return [
    ...(judged.length > 0 ? [[HEADINGS, ...judged]] : []),
    ...(stated.length > 0 ? [[STATED_HEADINGS, ...stated]] : []),
  ];
}

function statedCells(row: Row): readonly string[] {
  const { unit, p50, p99, placement, control, ratio } = row;
  if (p50 === null || p99 === null) return [...cells(row).slice(0, 2), "", ""];
  const against = control === null || ratio === null
    ? ""
    : ` (${short(ratio)}x of ${control})`;
  return [
    row.measure,
    withUnit(p50, unit) + against,
    p99 === p50 ? "" : withUnit(p99, unit),
    placement ?? "",
  ];
}

/** The tables for a terminal. */
export function textReport(rows: readonly Row[]): string {
  return [...tables(rows).map(aligned), summaryOf(rows)].join("\n\n");
}

/** How many targets are met. */
export function summaryOf(rows: readonly Row[]): string {
  const judged = rows.filter(({ target }) => target !== null);
  const count = (holds: (row: Row) => boolean): number =>
    judged.filter(holds).length;
  return `targets: ${count(({ met }) => met === true)} met, ${
    count(({ met }) => met === false)
  } not met, ${count(({ value }) => value === null)} not measured`;
}

/** Columns of equal width. The last cell of a row may be longer. */
function aligned(table: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of table) {
    // A cell with nothing after it needs no width.
    const last = row.findLastIndex((cell) => cell !== "");
    row.slice(0, last).forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return table.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")
      .trimEnd()
  ).join("\n");
}

/** The tables in Markdown. */
export function markdownReport(rows: readonly Row[]): string {
  const texts = tables(rows).map(([head = [], ...body]) => {
    const named = head.map((heading) => heading === "" ? "result" : heading);
    return [named, named.map(() => "---"), ...body].map((row) =>
      `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`
    ).join("\n");
  });
  return [...texts, `${summaryOf(rows)}.`].join("\n\n");
}
