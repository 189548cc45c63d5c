/**
 * Runs a program through every order of its steps that matters.
 *
 * A run is replayed from its beginning each time (stateless search): nothing of
 * the program under test has to be copied or undone, and a list of labels is
 * all that it takes to see a run again.
 *
 * Two steps that touch nothing in common can change places without anyone
 * noticing: deliveries to two different processes, mostly, since what a process
 * does is decided by the order of its own events alone. All orders that differ
 * only in such exchanges are one run, and it is run once. That is what the
 * sleep sets see to (Godefroid, 1996): when all runs that begin with step `a`
 * are done and those that begin with `b` follow, `a` sleeps. It is woken by the
 * first step that it conflicts with. A step that sleeps is not taken: it would
 * lead to a run that was run with `a` first. What a step touches is recorded as
 * it is taken, not guessed: its process, and whatever else it reads or writes
 * that another process can change (a service's name, a listener).
 */

/** What a step touched. */
export type Footprint = ReadonlyMap<string, "read" | "write">;

/** Whether two steps cannot change places. */
export function conflict(a: Footprint, b: Footprint): boolean {
  for (const [resource, access] of a) {
    const other = b.get(resource);
    if (other && (access === "write" || other === "write")) return true;
  }
  return false;
}

/** A program that is being run, step by step. */
export interface Run {
  /** The labels of what can happen next, each different; none when it is over. */
  choices(): readonly string[];
  /** Lets it happen. */
  take(label: string): Promise<Footprint>;
}

/** A run that went to its end. */
export interface Explored<R extends Run> {
  readonly run: R;
  /** The labels that lead there. */
  readonly path: readonly string[];
}

/** How far an exploration has come. */
export interface Progress {
  /** Runs that went to their end. */
  complete: number;
  /** Runs that were broken off, because all that they could go on with was asleep. */
  redundant: number;
}

interface Node {
  readonly choices: readonly string[];
  readonly sleep: ReadonlyMap<string, Footprint>;
  readonly done: Map<string, Footprint>;
  taken: string;
}

/** Every run of the program that `start` begins, up to what commutes. */
export async function* explore<R extends Run>(
  start: () => Promise<R>,
  progress: Progress = { complete: 0, redundant: 0 },
): AsyncGenerator<Explored<R>, void> {
  const stack: Node[] = [];
  do {
    const run = await start();
    if (await descend(run, stack)) {
      progress.complete++;
      yield { run, path: stack.map(({ taken }) => taken) };
    } else {
      progress.redundant++;
    }
  } while (backtrack(stack));
}

/**
 * Yields `count` runs, each from its beginning to its end. `pick` chooses one
 * of the labels at each step. Nothing is left out: two of the runs may be the
 * same, or differ only in steps that commute.
 */
export async function* sample<R extends Run>(
  start: () => Promise<R>,
  pick: (run: R, choices: readonly string[]) => string,
  count: number,
): AsyncGenerator<Explored<R>, void> {
  for (let done = 0; done < count; done++) {
    const run = await start();
    const path: string[] = [];
    for (let choices; (choices = run.choices()).length > 0;) {
      const label = pick(run, choices);
      await run.take(label);
      path.push(label);
    }
    yield { run, path };
  }
}

/** Replays what is on the stack, and goes on to the end. False: nothing new is there. */
async function descend(run: Run, stack: Node[]): Promise<boolean> {
  let sleep: ReadonlyMap<string, Footprint> = new Map();
  for (let depth = 0;; depth++) {
    let node = stack[depth];
    if (!node) {
      const choices = run.choices();
      if (choices.length === 0) return true;
      const taken = awake(choices, sleep);
      if (taken === undefined) return false;
      node = { choices, sleep, done: new Map(), taken };
      stack.push(node);
    } else {
      run.choices(); // as it did the first time: it may move time on
    }
    const footprint = await run.take(node.taken);
    const { sleep: before, done, taken } = node;
    sleep = new Map(
      [...before, ...done].filter(([, other]) => !conflict(footprint, other)),
    );
    done.set(taken, footprint);
  }
}

function awake(
  choices: readonly string[],
  ...asleep: ReadonlyMap<string, Footprint>[]
): string | undefined {
  return choices.find((choice) => !asleep.some((one) => one.has(choice)));
}

/** To the last node that has a choice left. */
function backtrack(stack: Node[]): boolean {
  for (let node; (node = stack.at(-1)); stack.pop()) {
    const next = awake(node.choices, node.sleep, node.done);
    if (next === undefined) continue;
    node.taken = next;
    return true;
  }
  return false;
}
