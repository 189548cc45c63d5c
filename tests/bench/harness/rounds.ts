/**
 * Measures the subjects of a group in turn, one round each, so that what disturbs
 * the machine for a while disturbs all of them.
 */

import { soon } from "../../helpers/soon.ts";
import { quantile } from "./statistics.ts";
import {
  type Extent,
  type Group,
  NotHere,
  type Round,
  type Subject,
  type SubjectPlan,
  type Unit,
} from "./subject.ts";

/** The first start of a peer may compile it. */
const START_LIMIT_MS = 1_200_000;
/** A quick run is over in two minutes, so a round that stands still must not take longer than that. */
const ROUND_LIMIT_MS: Readonly<Record<Extent, number>> = {
  full: 300_000,
  quick: 30_000,
};

/** Quantiles of one round. */
export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

/** What was measured of one subject in one run. */
export interface Reading {
  readonly name: string;
  readonly unit: Unit;
  /** By round. Rounds of one group with the same index were measured one after the other. */
  readonly rounds: readonly Quantiles[];
  /** The number of values of a round. */
  readonly samples: number;
  /** Where each round ran, if that is known. */
  readonly placements: readonly string[];
  /** Why it cannot be measured here; `undefined` if it can. */
  readonly reason: string | undefined;
  /** How it failed; `undefined` if it did not. */
  readonly failure: string | undefined;
}

/** A subject of the running group. */
interface Runner {
  readonly plan: SubjectPlan;
  readonly rounds: Quantiles[];
  readonly placements: string[];
  samples: number;
  subject: Subject | undefined;
  reason: string | undefined;
  failure: string | undefined;
}

/** Measures the subjects of a group that are in `wanted`. `say` is told what begins. */
export async function measureGroup(
  group: Group,
  extent: Extent,
  wanted: ReadonlySet<string>,
  say: (text: string) => void,
): Promise<Reading[]> {
  const runners = group.plans.filter(({ name }) => wanted.has(name)).map(
    (plan): Runner => ({
      plan,
      rounds: [],
      placements: [],
      samples: 0,
      subject: undefined,
      reason: undefined,
      failure: undefined,
    }),
  );
  for (const runner of runners) {
    say(`${group.name}: starting ${runner.plan.name}`);
    await start(runner, extent);
  }
  const warmUpMs = group.warmUpMs?.[extent] ?? 0;
  for (const runner of warmUpMs > 0 ? runners : []) {
    say(`${group.name}: warming up ${runner.plan.name}`);
    await warmUp(runner, extent, performance.now() + warmUpMs);
  }
  const rounds = group.rounds[extent];
  for (let round = 0; round < rounds; round++) {
    say(`${group.name}: round ${round + 1} of ${rounds}`);
    // Each round begins with another subject, so that none always follows the same one.
    for (let i = 0; i < runners.length; i++) {
      await measure(runners[(i + round) % runners.length]!, extent);
    }
  }
  for (const runner of runners) await stop(runner);
  return runners.map(({ plan, rounds, samples, ...rest }) => {
    const { placements, reason, failure } = rest;
    const { name, unit } = plan;
    return { name, unit, rounds, samples, placements, reason, failure };
  });
}

async function start(runner: Runner, extent: Extent): Promise<void> {
  const { plan } = runner;
  if (plan.extent === "full" && extent === "quick") {
    runner.reason = "--quick leaves it out";
    return;
  }
  await trying(runner, async () => {
    const started = await soon(
      plan.start(extent),
      `the start of ${plan.name}`,
      START_LIMIT_MS,
    );
    if (started instanceof NotHere) runner.reason = started.reason;
    else runner.subject = started;
  });
}

/** One round, with a deadline. */
function roundOf(
  { plan }: Runner,
  subject: Subject,
  extent: Extent,
): Promise<Round> {
  return soon(
    subject.round(),
    `a round of ${plan.name}`,
    ROUND_LIMIT_MS[extent],
  );
}

async function warmUp(
  runner: Runner,
  extent: Extent,
  until: number,
): Promise<void> {
  const { subject } = runner;
  if (subject === undefined) return;
  await trying(runner, async () => {
    while (performance.now() < until) await roundOf(runner, subject, extent);
  });
}

async function measure(runner: Runner, extent: Extent): Promise<void> {
  const { subject } = runner;
  if (subject === undefined || runner.failure !== undefined) return;
  await trying(runner, async () => {
    const { samples, placement } = await roundOf(runner, subject, extent);
    if (samples.length === 0) throw new Error("it measured nothing");
    runner.rounds.push({
      p50: quantile(samples, 0.5),
      p99: quantile(samples, 0.99),
    });
    runner.samples = samples.length;
    if (placement !== undefined) runner.placements.push(placement);
  });
}

async function stop(runner: Runner): Promise<void> {
  const { subject } = runner;
  if (subject === undefined) return;
  await trying(
    runner,
    () =>
      soon(subject[Symbol.asyncDispose](), `the end of ${runner.plan.name}`),
  );
}

/** Notes a failure, and goes on: the other subjects are measured all the same. */
async function trying(
  runner: Runner,
  step: () => Promise<void>,
): Promise<void> {
  try {
    await step();
  } catch (error) {
    runner.failure ??= error instanceof Error ? error.message : String(error);
  }
}
