/** Runs the steps of a run, in parallel where possible, and reports each. */

import type { PlannedPart } from "./parts.ts";
import type { Report } from "./report.ts";
import { runStep, type Step } from "./step.ts";

/** How the steps are run. */
interface PartsOptions {
  /** The number of steps that run in parallel, of those that may. */
  readonly jobs: number;
  /** The time limit of all steps, instead of their own. */
  readonly limitSecs: number | undefined;
  readonly report: Report;
  /** Kills the running steps, and starts no more. */
  readonly stop: AbortSignal;
}

/** Runs all steps of `parts`, also after failures. */
export async function runParts(
  parts: readonly PlannedPart[],
  options: PartsOptions,
): Promise<void> {
  const { jobs, limitSecs, report, stop } = options;
  const run = async (step: Step): Promise<void> => {
    const limit = { ...step, limitSecs: limitSecs ?? step.limitSecs };
    report.started(step);
    const late = AbortSignal.timeout(limit.limitSecs * 1000);
    const outcome = await runStep(limit, AbortSignal.any([late, stop]));
    if (!stop.aborted) report.ended(step, outcome);
  };
  // Steps that use all cores come first. The others then follow without a pause between the parts.
  const steps = parts.flatMap((part) => part.steps);
  for (const step of steps.filter(({ alone }) => alone)) {
    if (!stop.aborted) await run(step);
  }
  const together = steps.filter(({ alone }) => !alone).values();
  const work = async (): Promise<void> => {
    for (const step of together) {
      if (!stop.aborted) await run(step);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
}
