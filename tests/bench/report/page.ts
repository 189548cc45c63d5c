/** The report as a page: the table, and plots. */

import type { Row } from "../harness/rows.ts";
import type { Group, Unit } from "../harness/subject.ts";
import { boundText, type Target } from "../harness/target.ts";
import type { Machine } from "./machine.ts";
import { axisOf, COLORS, drawPlot, type PlotItem } from "./plots.ts";
import { cells, HEADINGS, summaryOf } from "./text.ts";

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd; vertical-align: top; }
.met { color: ${COLORS.met}; } .missed { color: ${COLORS.missed}; font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; } dd { margin: 0; }
svg { max-width: 100%; height: auto; margin-top: 1.5rem; }
`;

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll('"', "&quot;");
}

function table(rows: readonly Row[]): string {
  const line = (row: Row): string => {
    const kind = row.met === null ? "" : row.met ? "met" : "missed";
    const inside = cells(row).map((cell) => `<td>${escaped(cell)}</td>`);
    return `<tr class="${kind}">${inside.join("")}</tr>`;
  };
  const heads = HEADINGS.map((heading) => `<th>${escaped(heading)}</th>`);
  return `<table><tr>${heads.join("")}</tr>\n${
    rows.map(line).join("\n")
  }\n</table>`;
}

/** Where each judged value is, with its target at 1 and better values to the left. */
function targetsPlot(rows: readonly Row[], targets: readonly Target[]): string {
  const items = rows.flatMap((row, i): PlotItem[] => {
    const wanted = targets[i]?.wanted;
    if (wanted === undefined || row.judged === null) return [];
    const value = "most" in wanted
      ? row.judged / wanted.most
      : wanted.least / row.judged;
    if (!Number.isFinite(value)) return []; // the target is 0
    const color = row.met ? COLORS.met : COLORS.missed;
    const against = row.control === null ? "" : ` / ${row.control}`;
    const name = `${row.measure}${against} ${boundText(wanted)}`;
    return [{ name, value, color }];
  });
  if (items.length === 0) return "";
  return drawPlot({
    title: "Distance from the targets",
    axis: "1 is the target, less is better",
    series: ["judged"],
    items,
    line: 1,
  });
}

/** The subjects of a group that have the same unit. */
function groupPlots({ name, plans }: Group, rows: readonly Row[]): string[] {
  const bySubject = new Map(rows.map((row) => [row.subject, row]));
  const units = [...new Set(plans.map(({ unit }) => unit))];
  return units.flatMap((unit: Unit) => {
    const items = plans.filter((plan) => plan.unit === unit)
      .flatMap((plan): PlotItem[] => {
        const row = bySubject.get(plan.name);
        if (!row || row.p50 === null || row.p99 === null) return [];
        const second = row.p99 === row.p50 ? {} : { second: row.p99 };
        return [{ name: plan.name, value: row.p50, ...second }];
      });
    if (items.length < 2) return [];
    const axis = axisOf(unit);
    const hasSecond = items.some(({ second }) => second !== undefined);
    return [drawPlot({
      title: name,
      axis,
      series: hasSecond ? ["p50", "p99"] : ["p50"],
      items,
    })];
  });
}

/** The page. `targets` are those of the rows, in the same order. */
export function reportPage(
  machine: Machine,
  targets: readonly Target[],
  rows: readonly Row[],
  groups: readonly Group[],
): string {
  const facts = Object.entries(machine).map(([name, value]) =>
    `<dt>${escaped(name)}</dt><dd>${escaped(String(value))}</dd>`
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>StreamLib Bridge: bench</title>
<style>${STYLE}</style>
<h1>StreamLib Bridge: bench</h1>
<dl>${facts.join("")}</dl>
<p>${escaped(summaryOf(rows))}. docs/performance.md explains the rows.</p>
${table(rows)}
${targetsPlot(rows, targets)}
${groups.flatMap((group) => groupPlots(group, rows)).join("\n")}
</html>
`;
}
