/** The form of a row of the target table. */

import type { Quantiles } from "./rounds.ts";

/** What a value must be. */
type Bound =
  | { readonly most: number }
  | { readonly least: number };

/** How a subject is compared with its control: by division, by subtraction, or not. */
type Comparison = "ratio" | "difference" | "value";

/** A row: what is measured, with what it is compared, and what is wanted. */
export interface Target {
  /** What is measured, in words. */
  readonly measure: string;
  /** The name of the subject. */
  readonly subject: string;
  /** Of each round. Default: the median. */
  readonly statistic?: keyof Quantiles;
  /** The names of subjects of the same group. The best one of them is the control: the same program in another placement. */
  readonly controls?: readonly string[];
  /** What the controls are together. Default: the name of the first one. */
  readonly control?: string;
  /** Default: `ratio` with controls, else `value`. */
  readonly comparison?: Comparison;
  /** `undefined`: the value is only stated. */
  readonly wanted?: Bound;
}

/** Whether a value is as wanted. */
export function isMet(value: number, wanted: Bound): boolean {
  return "most" in wanted ? value <= wanted.most : value >= wanted.least;
}

/** Returns a bound as text, such as `<= 0.25`. */
export function boundText(wanted: Bound): string {
  return "most" in wanted ? `<= ${wanted.most}` : `>= ${wanted.least}`;
}

/** How the value of a row is compared. */
export function comparisonOf(
  { comparison, controls }: Target,
): Comparison {
  return comparison ?? (controls ? "ratio" : "value");
}
