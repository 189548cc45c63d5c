/**
 * Rows of the report: what was measured, compared with its control and judged by
 * its target.
 */

import type { Quantiles, Reading } from "./rounds.ts";
import { median } from "./statistics.ts";
import { isRate, type Unit } from "./subject.ts";
import { boundText, comparisonOf, isMet, type Target } from "./target.ts";

/** What was measured in one run, by the name of the subject. */
export type Readings = ReadonlyMap<string, Reading>;

/** A row. Its fields are those of a line of `--json`. */
export interface Row {
  readonly measure: string;
  /** The median of the runs; `null` if it was not measured. */
  readonly value: number | null;
  readonly unit: Unit;
  /** What it is compared with; `null` if it is with nothing. */
  readonly control: string | null;
  readonly control_value: number | null;
  /** Value divided by control, in the median of the rounds and then of the runs. */
  readonly ratio: number | null;
  /** What {@link judged} must be, such as `<= 4`; `null` if the value is only stated. */
  readonly target: string | null;
  /** Whether the target is met; `null` without a target, or if it was not measured. */
  readonly met: boolean | null;
  /** What the target is about: the ratio, the difference from the control, or the value. */
  readonly judged: number | null;
  readonly comparison: "ratio" | "difference" | "value";
  /** `judged` in each run. */
  readonly runs: readonly number[];
  /** The median and the 99th percentile of the values of a round, in the median of rounds and runs. */
  readonly p50: number | null;
  readonly p99: number | null;
  /** Where it ran, and where the control ran, if that is known. */
  readonly placement: string | null;
  readonly control_placement: string | null;
  /** The name of the subject. */
  readonly subject: string;
  /** Why it was not measured; `null` if it was. */
  readonly reason: string | null;
  /** Whether {@link reason} is a failure of the bench. */
  readonly failed: boolean;
}

/** One run's numbers of a row. */
interface Judgement {
  readonly own: Reading;
  readonly value: number;
  readonly control: Reading | undefined;
  readonly controlValue: number | undefined;
  readonly ratio: number | undefined;
  readonly judged: number;
}

/** Returns the row of a target after some runs. */
export function rowOf(target: Target, runs: readonly Readings[]): Row {
  const { measure, subject, wanted, controls } = target;
  const { missing = null, failed } = whatIsMissing(target, runs);
  const all = missing === null
    ? runs.map((readings) => judge(target, readings))
    : [];
  const over = (of: (one: Judgement) => number | undefined): number | null => {
    const values = all.map(of).filter((value) => value !== undefined);
    return values.length === 0 ? null : median(values);
  };
  const own = runs.map((run) => run.get(subject));
  const judged = over(({ judged }) => judged);
  return {
    measure,
    value: over(({ value }) => value),
    unit: own[0]?.unit ?? "count",
    control: target.control ?? controls?.[0] ?? null,
    control_value: over(({ controlValue }) => controlValue),
    ratio: over(({ ratio }) => ratio),
    target: wanted === undefined ? null : boundText(wanted),
    met: wanted === undefined || judged === null ? null : isMet(judged, wanted),
    judged,
    comparison: comparisonOf(target),
    runs: all.map(({ judged }) => judged),
    p50: over(({ own }) => typical(own, "p50")),
    p99: over(({ own }) => typical(own, "p99")),
    placement: usualPlacement(own),
    control_placement: usualPlacement(all.map(({ control }) => control)),
    subject,
    reason: missing,
    failed,
  };
}

/** Why something was not measured. */
interface Missing {
  readonly missing: string | undefined;
  readonly failed: boolean;
}

/** Why a row cannot be computed: its subject, or all its controls, were not measured in each run. */
function whatIsMissing(
  { subject, controls }: Target,
  runs: readonly Readings[],
): Missing {
  const missing = (name: string): Missing[] =>
    runs.flatMap((run): Missing[] => {
      const reading = run.get(name);
      const failure = reading ? reading.failure : "it is in no group";
      if (failure !== undefined) {
        return [{ missing: `${name}: ${failure}`, failed: true }];
      }
      const reason = reading?.reason;
      return reason === undefined ? [] : [{ missing: reason, failed: false }];
    });
  const own = missing(subject)[0];
  if (own) return own;
  const others = (controls ?? []).map((name) => missing(name)[0]);
  const firstOther = others.find((other) => other !== undefined);
  if (firstOther === undefined || others.some((other) => other === undefined)) {
    return { missing: undefined, failed: false };
  }
  return {
    missing: `the control: ${firstOther.missing}`,
    failed: firstOther.failed,
  };
}

/** The median of the rounds. */
function typical({ rounds }: Reading, statistic: keyof Quantiles): number {
  return median(rounds.map((round) => round[statistic]));
}

function judge(target: Target, readings: Readings): Judgement {
  const statistic = target.statistic ?? "p50";
  const own = readings.get(target.subject)!;
  const value = typical(own, statistic);
  const control = best(target, readings);
  const one = { own, value, control };
  if (control === undefined) {
    return { ...one, controlValue: undefined, ratio: undefined, judged: value };
  }
  const pairs = own.rounds.map((round, i) =>
    [round[statistic], control.rounds[i]![statistic]] as const
  );
  const ratio = median(pairs.map(([its, other]) => its / other));
  const difference = median(pairs.map(([its, other]) => its - other));
  return {
    ...one,
    controlValue: typical(control, statistic),
    ratio,
    judged: { ratio, difference, value }[comparisonOf(target)],
  };
}

/** The control with the best value. */
function best(
  { controls = [], statistic = "p50" }: Target,
  readings: Readings,
): Reading | undefined {
  const measured = controls.map((name) => readings.get(name)!)
    .filter(({ failure, rounds }) =>
      failure === undefined && rounds.length > 0
    );
  return measured.toSorted((a, b) => {
    const less = typical(a, statistic) - typical(b, statistic);
    return isRate(a.unit) ? -less : less;
  })[0];
}

/** Where most rounds ran. */
function usualPlacement(
  readings: readonly (Reading | undefined)[],
): string | null {
  const counts = new Map<string, number>();
  for (const place of readings.flatMap((one) => one?.placements ?? [])) {
    counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? null;
}
