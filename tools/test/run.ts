/** Runs the steps of a run, some at once, and reports each. */

import type { PlannedPart } from "./parts.ts";
import type { Report } from "./report.ts";
import { runStep, type Step } from "./step.ts";

/** How the steps are run. */
export interface PartsOptions {
  /** How many steps run at once, of those that need not be alone. */
  readonly jobs: number;
  /** The limit of every step, in the place of its own. */
  readonly limitSecs: number | undefined;
  readonly report: Report;
  /** Ends what runs, and runs no more. */
  readonly stop: AbortSignal;
}

/** Runs all steps of `parts`, whatever fails. */
export async function runParts(
  parts: readonly PlannedPart[],
  options: PartsOptions,
): Promise<void> {
  const { jobs, limitSecs, report, stop } = options;
  const run = async (part: PlannedPart, step: Step): Promise<void> => {
    const limit = { ...step, limitSecs: limitSecs ?? step.limitSecs };
    report.started(step);
    const late = AbortSignal.timeout(limit.limitSecs * 1000);
    const outcome = await runStep(limit, AbortSignal.any([late, stop]));
    report.ended(part, step, outcome);
  };
  // Steps that run alone divide the others into groups.
  for (const part of parts) {
    const together = part.steps.filter(({ alone }) => !alone).values();
    for (const step of part.steps.filter(({ alone }) => alone)) {
      if (!stop.aborted) await run(part, step);
    }
    const work = async (): Promise<void> => {
      for (const step of together) {
        if (!stop.aborted) await run(part, step);
      }
    };
    await Promise.all(Array.from({ length: jobs }, work));
  }
}
