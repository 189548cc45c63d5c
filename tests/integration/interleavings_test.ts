import { assert } from "@std/assert";
import { HandshakeRun, type Scenario } from "../helpers/interleavings/run.ts";
import { judge, type Outcome } from "../helpers/interleavings/verdict.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { Prng } from "../helpers/prng.ts";
import { explore, type Explored, sample } from "../helpers/sim/explorer.ts";
import { Unhandled } from "../helpers/unhandled.ts";

/**
 * The real host, client and broker on a simulated machine: every order of the
 * handshake's steps, and in each order, at each step, a death, a delay or a
 * repetition. Each run must end ready or failed with the right reason, never stuck.
 *
 * An interleaving stands for all orders that no process can distinguish from it.
 *
 * The runs: all orders without a fault; and one fault per run, or two if the
 * scenario says so, in each place where it makes a difference. After the fault,
 * every order if the scenario says so, else only the order in which the oldest
 * event is first.
 *
 * `deno task test` runs a sample of each exploration, always the same one;
 * `deno task test:all` runs all of it.
 */
interface Exploration extends Scenario {
  readonly name: string;
}

const NORMAL = { restart: "never", clientEarly: false } as const;
const EARLY = { restart: "never", clientEarly: true } as const;
const DELAYS = ["timer", 6_000, 16_000, 25_000] as const;
const BACK = [0, 150, "never"] as const;

const EXPLORATIONS: readonly Exploration[] = [
  {
    name: "the death of a host or a client, every order after it",
    ...NORMAL,
    faults: ["death"],
    deaths: ["host", "client"],
    everyOrderAfter: true,
  },
  {
    name: "a death, and a broker that comes back or does not",
    ...NORMAL,
    faults: ["death"],
    brokerBackMs: BACK,
  },
  {
    name: "a broker that dies and is back at once, every order after it",
    ...NORMAL,
    faults: ["death"],
    deaths: ["broker"],
    brokerBackMs: [0],
    everyOrderAfter: true,
  },
  {
    name: "two deaths, and a broker that comes back or does not",
    ...NORMAL,
    faults: ["death"],
    brokerBackMs: [150, "never"],
    maxFaults: 2,
    faultsUntilMs: 350,
  },
  {
    name: "a message that is late, every order after it",
    ...NORMAL,
    faults: ["delay"],
    delays: DELAYS,
    everyOrderAfter: true,
  },
  {
    name: "a message that comes twice, every order after it",
    ...NORMAL,
    faults: ["duplicate"],
    everyOrderAfter: true,
  },
  {
    name: "a client that is there before the endpoint is, and a death",
    ...EARLY,
    faults: ["death"],
    brokerBackMs: BACK,
  },
  {
    name: "a client that is there before the endpoint is, and a late message",
    ...EARLY,
    faults: ["delay"],
    delays: ["timer", 6_000, 16_000],
  },
  {
    name: "a client that is there before the endpoint is, and a repetition",
    ...EARLY,
    faults: ["duplicate"],
  },
  {
    name: "events that come in one go, and a death",
    ...NORMAL,
    faults: ["death"],
    brokerBackMs: BACK,
    drainsAll: true,
  },
  {
    name: "an early client, events that come in one go, and a death",
    ...EARLY,
    faults: ["death"],
    brokerBackMs: BACK,
    drainsAll: true,
  },
  {
    name: "a host that starts its client again, and a death",
    restart: "on-failure",
    clientEarly: false,
    faults: ["death"],
    brokerBackMs: BACK,
  },
];

/** Prints a line between the lines of the test runner. */
function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`\n  ${text}`));
}

type Runs = AsyncIterable<Explored<HandshakeRun>>;

/** The runs of a scenario: all of them, or a sample. */
type Selection = (scenario: Scenario) => Runs;

const everyRun: Selection = (scenario) =>
  explore(() => HandshakeRun.start(scenario));

/** Runs in the sample of one scenario. */
const SAMPLE_RUNS = 30;
const SAMPLE_SEED = 20_260_103;
/** A sampled run has one fault in this number of steps, on average. A run has about 30 steps. */
const STEPS_PER_FAULT = 16;

const someRuns: Selection = (scenario) => {
  const random = new Prng(SAMPLE_SEED);
  const pick = (run: HandshakeRun, choices: readonly string[]): string => {
    const faults = choices.filter((label) => run.isFault(label));
    const steps = choices.filter((label) => !run.isFault(label));
    const goesWrong = faults.length > 0 && random.below(STEPS_PER_FAULT) === 0;
    return random.pick(goesWrong ? faults : steps);
  };
  return sample(() => HandshakeRun.start(scenario), pick, SAMPLE_RUNS);
};

/** The largest number of messages that each step sends, by its text: a process can die between two messages. */
async function sendsOf(runs: Runs): Promise<Map<string, number>> {
  const sends = new Map<string, number>();
  for await (const { run } of runs) {
    for (const [step, count] of run.sends) {
      sends.set(step, Math.max(count, sends.get(step) ?? 0));
    }
  }
  return sends;
}

/** Repeats one run and returns its trace, to look for a bug. */
async function replayed(
  scenario: Scenario,
  path: readonly string[],
): Promise<string> {
  const run = await HandshakeRun.start(scenario);
  await run.follow(path);
  await judge(run);
  return run.world.trace.join("\n");
}

/** Fails at the first run that violates a condition. */
async function assertEveryEnd(
  exploration: Scenario,
  select: Selection,
): Promise<void> {
  using unhandled = new Unhandled();
  const sends = await sendsOf(select({ ...exploration, faults: [] }));
  const scenario = { ...exploration, sends };
  let [complete, faulty] = [0, 0];
  const outcomes = new Map<Outcome, number>();
  for await (const { run, path } of select(scenario)) {
    const { outcome, problems } = await judge(run);
    const wrong = [...problems, ...await unhandled.take()];
    if (wrong.length > 0) {
      throw new Error(
        `${wrong.join("\n")}\n\nthe choices: ${
          JSON.stringify(path)
        }\n\nand what happened:\n${await replayed(scenario, path)}`,
      );
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    complete++;
    if (run.faults.length > 0) faulty++;
  }
  assert(faulty > 0, "nothing has gone wrong in any run");
  assert(faulty < complete, "something has gone wrong in every run");
  const count = (number: number): string => number.toLocaleString("en-US");
  say(
    `interleavings: ${count(complete - faulty)}; ` +
      `runs with a fault: ${count(faulty)}; ` +
      `ready ${count(outcomes.get("ready") ?? 0)}, ` +
      `failed with the right reason ${count(outcomes.get("failed") ?? 0)}, ` +
      `the host dead ${count(outcomes.get("host dead") ?? 0)}, stuck 0 `,
  );
}

for (const { name, ...exploration } of EXPLORATIONS) {
  // The machine is simulated: no permission is needed.
  const options = { permissions: "none" } as const;
  permittedTest(
    `every order of the handshake: ${name}`,
    { exhaustive: true },
    () => assertEveryEnd(exploration, everyRun),
    options,
  );
  permittedTest(
    `${SAMPLE_RUNS} runs of the handshake: ${name}`,
    {},
    () => assertEveryEnd(exploration, someRuns),
    options,
  );
}
