import { explore } from "../helpers/sim/explorer.ts";
import { HandshakeRun, type Scenario } from "../helpers/interleavings/run.ts";
import { judge, type Outcome } from "../helpers/interleavings/verdict.ts";
import { settled } from "../helpers/sim/world.ts";

/**
 * Host, client and broker, the real ones, on a simulated machine: every order
 * of the handshake's steps, and in every one of them, at every step, a death,
 * a delay or a repetition. Each run ends ready, or failed with the right
 * reason, never stuck.
 *
 * An interleaving stands for all orders that no process can tell from it.
 *
 * What is run, and what is not: all orders without a fault; one fault in a run,
 * or two where it says so, in each place where it makes a difference. After the
 * fault: every order where it says so, else the one in which the oldest event
 * comes first.
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

/** Says something in between the tests' own lines. */
function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`\n  ${text}`));
}

/** Errors that nobody handles, wherever they come from. */
class Unhandled implements Disposable {
  #errors: unknown[] = [];
  readonly #hear = (event: PromiseRejectionEvent | ErrorEvent): void => {
    event.preventDefault();
    this.#errors.push("reason" in event ? event.reason : event.error);
  };

  constructor() {
    addEventListener("unhandledrejection", this.#hear);
    addEventListener("error", this.#hear);
  }

  /** What has come since the last time, in words. */
  async take(): Promise<string[]> {
    await settled();
    const errors = this.#errors;
    this.#errors = [];
    return errors.map((error) =>
      `nobody handles: ${error instanceof Error ? error.stack : String(error)}`
    );
  }

  [Symbol.dispose](): void {
    removeEventListener("unhandledrejection", this.#hear);
    removeEventListener("error", this.#hear);
  }
}

/** What a step sends at the most, by its words: between two messages a process can die too. */
async function sendsOf(scenario: Scenario): Promise<Map<string, number>> {
  const sends = new Map<string, number>();
  const start = (): Promise<HandshakeRun> =>
    HandshakeRun.start({ ...scenario, faults: [] });
  for await (const { run } of explore(start)) {
    for (const [step, count] of run.sends) {
      sends.set(step, Math.max(count, sends.get(step) ?? 0));
    }
  }
  return sends;
}

/** One run again, with all that happened in it, for whoever looks for a mistake. */
async function replayed(
  scenario: Scenario,
  path: readonly string[],
): Promise<string> {
  const run = await HandshakeRun.start(scenario);
  await run.follow(path);
  await judge(run);
  return run.world.trace.join("\n");
}

for (const { name, ...exploration } of EXPLORATIONS) {
  // The machine is made up: nothing of this one is needed.
  const options = { permissions: "none" } as const;
  Deno.test(`every order of the handshake: ${name}`, options, async () => {
    using unhandled = new Unhandled();
    const scenario = { ...exploration, sends: await sendsOf(exploration) };
    const progress = { complete: 0, redundant: 0 };
    let faulty = 0;
    const outcomes = new Map<Outcome, number>();
    const start = (): Promise<HandshakeRun> => HandshakeRun.start(scenario);
    for await (const { run, path } of explore(start, progress)) {
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
      if (run.faults.length > 0) faulty++;
    }
    const count = (number: number): string => number.toLocaleString("en-US");
    say(
      `interleavings: ${count(progress.complete - faulty)}; ` +
        `runs with a fault: ${count(faulty)}; ` +
        `ready ${count(outcomes.get("ready") ?? 0)}, ` +
        `failed with the right reason ${count(outcomes.get("failed") ?? 0)}, ` +
        `the host dead ${count(outcomes.get("host dead") ?? 0)}, stuck 0 `,
    );
  });
}
