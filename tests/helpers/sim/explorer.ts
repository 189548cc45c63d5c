/**
 * Runs a program in every order of its steps that makes a difference.
 *
 * Each run is replayed from its beginning (stateless search): no state of the
 * program under test is copied or undone, and a list of labels is enough to repeat
 * a run.
 *
 * Two steps that touch nothing in common commute: mostly deliveries to two
 * different processes, since only the order of its own events decides what a
 * process does. All orders that differ only in such exchanges are the same run,
 * which is made once. Sleep sets (Godefroid, 1996) achieve that: after all runs
 * that begin with step `a`, those that begin with `b` follow, and in them `a`
 * sleeps until a step that conflicts with it is taken. A sleeping step is not
 * taken: it would lead to a run that was made with `a` first. What a step touches
 * is recorded when it is taken: its process, and everything that it reads or writes
 * and another process can change (a service's name, a listener).
 */

/** What a step touched. */
export type Footprint = ReadonlyMap<string, "read" | "write">;

/** Whether two steps do not commute. */
export function conflict(a: Footprint, b: Footprint): boolean {
  for (const [resource, access] of a) {
    const other = b.get(resource);
    if (other && (access === "write" || other === "write")) return true;
  }
  return false;
}

/** A program that runs step by step. */
export interface Run {
  /** Returns the labels of the possible next steps, each different; none at the end. */
  choices(): readonly string[];
  /** Takes a step. */
  take(label: string): Promise<Footprint>;
}

/** A run to its end. */
export interface Explored<R extends Run> {
  readonly run: R;
  /** The labels of its steps. */
  readonly path: readonly string[];
}

/** The counters of an exploration. */
export interface Progress {
  /** The number of runs to their end. */
  complete: number;
  /** The number of runs that were stopped, because all possible steps were asleep. */
  redundant: number;
}

interface Node {
  readonly choices: readonly string[];
  readonly sleep: ReadonlyMap<string, Footprint>;
  readonly done: Map<string, Footprint>;
  taken: string;
}

/** Yields every run of the program that `start` begins; runs that differ only in commuting steps are made once. */
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
 * of the labels at each step. Two of the runs may be the same, or differ only in
 * steps that commute.
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

/** Replays the stack, and continues to the end. Returns false if nothing new is left there. */
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
      run.choices(); // called as in the first run, because it may move the time
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

/** Goes back to the last node with a choice left. */
function backtrack(stack: Node[]): boolean {
  for (let node; (node = stack.at(-1)); stack.pop()) {
    const next = awake(node.choices, node.sleep, node.done);
    if (next === undefined) continue;
    node.taken = next;
    return true;
  }
  return false;
}
