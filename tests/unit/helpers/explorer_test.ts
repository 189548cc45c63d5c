import { assert, assertEquals, assertRejects } from "@std/assert";
import { Prng } from "../../helpers/prng.ts";
import {
  explore,
  type Footprint,
  type Progress,
  type Run,
  sample,
} from "../../helpers/sim/explorer.ts";

/** For each message, the messages that its receiver sends, as `queue=message`. */
type Program = Readonly<Record<string, readonly string[]>>;

/**
 * A small program for the explorer: queues named `process/sender`, whose first
 * message can be taken at any time. A process records the messages that it has taken.
 */
class Toy implements Run {
  readonly hasWaited = false;
  readonly histories = new Map<string, string[]>();
  readonly order: string[] = [];
  readonly #queues: Map<string, string[]>;
  readonly #program: Program;
  readonly #everythingConflicts: boolean;

  constructor(
    queues: Readonly<Record<string, readonly string[]>>,
    program: Program = {},
    everythingConflicts = false,
  ) {
    this.#queues = new Map(
      Object.entries(queues).map(([name, sent]) => [name, [...sent]]),
    );
    this.#program = program;
    this.#everythingConflicts = everythingConflicts;
  }

  choices(): string[] {
    return [...this.#queues].filter(([, queue]) => queue.length > 0)
      .map(([name]) => name).sort();
  }

  isFault(_label: string): boolean {
    return false;
  }

  foreseen(_label: string): Footprint | undefined {
    return undefined;
  }

  take(label: string): Promise<Footprint> {
    const process = label.split("/")[0]!;
    const message = this.#queues.get(label)!.shift()!;
    this.order.push(`${process}:${message}`);
    this.histories.set(process, [
      ...this.histories.get(process) ?? [],
      message,
    ]);
    for (const sent of this.#program[message] ?? []) {
      const [queue, what] = sent.split("=") as [string, string];
      this.#queues.set(queue, [...this.#queues.get(queue) ?? [], what]);
    }
    const touched = this.#everythingConflicts ? "everything" : process;
    return Promise.resolve(new Map([[touched, "write"]]));
  }

  /** The messages that each process has taken. Runs with the same outcome cannot be distinguished. */
  get outcome(): string {
    return [...this.histories].sort().map(([process, seen]) =>
      `${process}: ${seen}`
    ).join("; ");
  }
}

/** A fault of a process that has no messages; only the first choice can follow it. */
class Faulty extends Toy {
  readonly #foreseen: Footprint | undefined;
  #hasFailed = false;

  constructor(foreseen: Footprint | undefined) {
    super({ "a/x": ["1", "2"], "b/x": ["3", "4"] });
    this.#foreseen = foreseen;
  }

  override choices(): string[] {
    const steps = super.choices();
    return this.#hasFailed ? steps.slice(0, 1) : [...steps, "z fails"];
  }

  override isFault(label: string): boolean {
    return label === "z fails";
  }

  override foreseen(): Footprint | undefined {
    return this.#foreseen;
  }

  override take(label: string): Promise<Footprint> {
    if (label !== "z fails") return super.take(label);
    this.#hasFailed = true;
    this.order.push(label);
    return Promise.resolve(new Map([["z", "write"]]));
  }
}

async function all(
  start: () => Toy,
): Promise<
  {
    outcomes: string[];
    seen: Set<string>;
    progress: Progress;
  }
> {
  const progress = { complete: 0, redundant: 0 };
  const outcomes: string[] = [];
  const seen = new Set<string>();
  for await (
    const { run, path } of explore(
      () => Promise.resolve(start()),
      progress,
    )
  ) {
    outcomes.push(run.outcome);
    seen.add(run.order.join(" "));
    assertEquals(path.length, run.order.length);
  }
  return { outcomes, seen, progress };
}

Deno.test("processes that never meet have one run", async () => {
  const { progress } = await all(() =>
    new Toy({ "a/x": ["1", "2"], "b/x": ["1", "2"], "c/x": ["1", "2"] })
  );
  assertEquals(progress.complete, 1);
});

Deno.test("where everything conflicts every order is a run", async () => {
  const { seen, progress } = await all(() =>
    new Toy(
      { "a/x": ["1", "2"], "b/x": ["1", "2"], "c/x": ["1", "2"] },
      {},
      true,
    )
  );
  assertEquals(progress, { complete: 90, redundant: 0 }); // 6! / (2! 2! 2!)
  assertEquals(seen.size, 90);
});

Deno.test("two queues of one process are mixed in every way", async () => {
  const { progress } = await all(() =>
    new Toy({ "a/x": ["1", "2", "3"], "a/y": ["4", "5"], "b/x": ["6"] })
  );
  assertEquals(progress.complete, 10); // 5! / (3! 2!)
});

Deno.test("senders that do not know each other arrive in every order, once each", async () => {
  const { outcomes } = await all(() =>
    new Toy({ "b/s": ["go b"], "c/s": ["go c"], "d/s": ["go d"] }, {
      "go b": ["a/b=b"],
      "go c": ["a/c=c"],
      "go d": ["a/d=d"],
    })
  );
  const seen = outcomes.map((outcome) => outcome.split(";")[0]).sort();
  assertEquals(seen, [
    "a: b,c,d",
    "a: b,d,c",
    "a: c,b,d",
    "a: c,d,b",
    "a: d,b,c",
    "a: d,c,b",
  ]);
});

/** Four processes that send each other messages and answers. */
const BUSY: Program = {
  ask: ["b/a=asked", "c/a=told"],
  asked: ["a/b=answer"],
  answer: ["b/a=thanks"],
};

Deno.test("what can be left out is left out, and nothing else", async () => {
  const queues = { "a/x": ["ask"], "a/d": ["1"], "b/x": ["2"], "c/x": ["3"] };
  const reduced = await all(() => new Toy(queues, BUSY));
  const full = await all(() => new Toy(queues, BUSY, true));
  assertEquals(
    [...new Set(reduced.outcomes)].sort(),
    [...new Set(full.outcomes)].sort(),
  );
  assertEquals(new Set(reduced.outcomes).size, reduced.outcomes.length);
  assertEquals(full.progress.complete, full.seen.size);
  assert(reduced.progress.complete * 10 < full.progress.complete);
});

Deno.test("40 random programs: the reduced runs have every outcome, each once", async () => {
  const random = new Prng(7);
  const letters = ["a", "b", "c"] as const;
  for (let round = 0; round < 40; round++) {
    const program: Record<string, string[]> = {};
    for (let message = 0; message < 3; message++) {
      program[`${message}`] = Array.from(
        { length: random.below(3) },
        () =>
          `${random.pick(letters)}/${message}=${message + 3}${
            random.pick(letters)
          }`,
      );
    }
    const queues = Object.fromEntries(
      ["0", "1", "2"].map((message) => [
        `${random.pick(letters)}/${message}`,
        [message],
      ]),
    );
    const reduced = await all(() => new Toy(queues, program));
    const full = await all(() => new Toy(queues, program, true));
    assertEquals(
      [...new Set(reduced.outcomes)].sort(),
      [...new Set(full.outcomes)].sort(),
    );
    assertEquals(new Set(reduced.outcomes).size, reduced.outcomes.length);
  }
});

Deno.test("a sample has as many complete runs as asked for, all of them possible, and the same seed gives the same ones", async () => {
  const queues = { "a/x": ["ask"], "a/d": ["1"], "b/x": ["2"], "c/x": ["3"] };
  const { outcomes } = await all(() => new Toy(queues, BUSY));
  const sampled = async (): Promise<string[]> => {
    const random = new Prng(1);
    const runs = sample(
      () => Promise.resolve(new Toy(queues, BUSY)),
      (_, choices) => random.pick(choices),
      50,
    );
    return await Array.fromAsync(runs, ({ run, path }) => {
      assertEquals(run.choices(), []);
      assertEquals(path.length, run.order.length);
      assert(outcomes.includes(run.outcome), run.outcome);
      return path.join(" ");
    });
  };
  const paths = await sampled();
  assertEquals(paths.length, 50);
  assert(new Set(paths).size > 10);
  assertEquals(await sampled(), paths);
});

Deno.test("a fault whose effect is known beforehand is not tried where it changes nothing", async () => {
  const tried = await all(() => new Faulty(undefined));
  const known = await all(() => new Faulty(new Map([["z", "write"]])));
  assertEquals([...known.seen].sort(), [...tried.seen].sort());
  assert(tried.progress.redundant > 0);
  assertEquals(known.progress, { ...tried.progress, redundant: 0 });
  await assertRejects(
    () => all(() => new Faulty(new Map([["z", "read"]]))),
    Error,
    "'z fails' has touched 'z' (write), which was not foreseen",
  );
});

Deno.test("a path leads to the same run again", async () => {
  const start = (): Toy => new Toy({ "a/x": ["ask"], "d/x": ["ask"] }, BUSY);
  for await (const { run, path } of explore(() => Promise.resolve(start()))) {
    const again = start();
    for (const label of path) {
      again.choices();
      await again.take(label);
    }
    assertEquals(again.order, run.order);
  }
});
