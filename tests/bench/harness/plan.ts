/** Which rows are wanted, and which subjects they need. */

import type { Group } from "./subject.ts";
import type { Target } from "./target.ts";

/** The rows of the table, and a row for each subject that has none. */
export function allRows(
  targets: readonly Target[],
  groups: readonly Group[],
): Target[] {
  const judged = new Set(targets.map(({ subject }) => subject));
  const stated = groups.flatMap(({ plans }) => plans)
    .filter(({ name }) => !judged.has(name))
    .map(({ name }): Target => ({ measure: name, subject: name }));
  return [...targets, ...stated];
}

/** The name of a row, by which `--only` finds it. */
export function titleOf({ measure, control, controls }: Target): string {
  const against = control ?? controls?.[0];
  return against === undefined ? measure : `${measure} / ${against}`;
}

/** The names of the subjects that the rows need. */
export function subjectsOf(rows: readonly Target[]): Set<string> {
  return new Set(
    rows.flatMap(({ subject, controls = [] }) => [subject, ...controls]),
  );
}
