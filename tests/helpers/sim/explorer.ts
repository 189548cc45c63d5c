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
 *
 * At each point of a run only some of the possible steps are tried (source sets,
 * Abdulla et al., 2014): the first one that is awake, each fault, each step that
 * a tried one makes impossible, and the first step of each order that reverses two
 * conflicting steps of a run that was made. What is left out would only have led
 * to runs in which all steps are asleep. A fault is also left out
 * if the only step that can follow it sleeps and commutes with it.
 */

/** What a step touched. */
export type Footprint = ReadonlyMap<string, "read" | "write">;

/** Whether two steps do not commute. */
function conflict(a: Footprint, b: Footprint): boolean {
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
  /** Whether the last {@link choices} became possible only when no other step was left: all steps before come before them. */
  readonly hasWaited: boolean;
  /** Whether this label, one of the last {@link choices}, is a fault: it is tried wherever it is possible. */
  isFault(label: string): boolean;
  /**
   * Returns everything that a fault of the last {@link choices} will touch, or
   * more. Returns `undefined` if that is not certain, or if another step than the
   * first choice may follow.
   */
  foreseen(label: string): Footprint | undefined;
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
  /** See {@link Run.hasWaited}. */
  readonly hasWaited: boolean;
  readonly sleep: ReadonlyMap<string, Footprint>;
  readonly done: Map<string, Footprint>;
  /** The choices that are to be tried; more are added when a later step conflicts with an earlier one. */
  readonly wanted: Set<string>;
  /** See {@link Run.foreseen}. */
  readonly foreseen: ReadonlyMap<string, Footprint>;
  taken: string;
  /** The depths of the steps that must happen before {@link taken}, one bit each. */
  before: bigint;
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
  const known = stack.length - 1;
  let sleep: ReadonlyMap<string, Footprint> = new Map();
  for (let depth = 0;; depth++) {
    const choices = run.choices(); // in a replay too, because it may move the time
    if (depth > known) {
      if (depth > 0) wantDisabled(stack[depth - 1]!, choices);
      if (choices.length === 0) return true;
      const node = newNode(run, choices, sleep);
      if (!node) return false;
      stack.push(node);
    }
    const node = stack[depth]!;
    const footprint = await run.take(node.taken);
    checkForesight(node, footprint);
    const { sleep: before, done, taken } = node;
    sleep = new Map(
      [...before, ...done].filter(([, other]) => !conflict(footprint, other)),
    );
    done.set(taken, footprint);
    if (depth >= known) findRaces(stack, depth, footprint);
  }
}

function checkForesight({ foreseen, taken }: Node, touched: Footprint): void {
  const expected = foreseen.get(taken);
  if (!expected) return;
  for (const [resource, access] of touched) {
    const other = expected.get(resource);
    if (other === access || other === "write") continue;
    throw new Error(
      `'${taken}' has touched '${resource}' (${access}), which was not foreseen`,
    );
  }
}

/** Returns undefined if all choices are asleep. */
function newNode(
  run: Run,
  choices: readonly string[],
  sleep: ReadonlyMap<string, Footprint>,
): Node | undefined {
  const awake = choices.filter((choice) => !sleep.has(choice));
  const first = awake.find((choice) => !run.isFault(choice));
  const wanted = new Set(awake.filter((choice) => run.isFault(choice)));
  if (first !== undefined) wanted.add(first);
  const foreseen = new Map<string, Footprint>();
  for (const choice of wanted) {
    const footprint = run.isFault(choice) ? run.foreseen(choice) : undefined;
    if (footprint) foreseen.set(choice, footprint);
  }
  const node = {
    choices,
    hasWaited: run.hasWaited,
    sleep,
    done: new Map(),
    wanted,
    foreseen,
    before: 0n,
  };
  const taken = nextOf(node);
  return taken === undefined ? undefined : { ...node, taken };
}

/** The next choice to try at a node. */
function nextOf(
  { choices, sleep, done, wanted, foreseen }: Omit<Node, "taken">,
): string | undefined {
  const first = choices[0]!;
  return choices.find((choice) => {
    if (!wanted.has(choice) || sleep.has(choice) || done.has(choice)) {
      return false;
    }
    const touches = foreseen.get(choice);
    const follower = sleep.get(first) ?? done.get(first);
    return !touches || !follower || conflict(touches, follower);
  });
}

/** A choice that is no longer possible after the step of `node` may have come before it. */
function wantDisabled(node: Node, next: readonly string[]): void {
  for (const choice of node.choices) {
    if (!next.includes(choice)) node.wanted.add(choice);
  }
}

/** Finds the steps of a run that the one at `depth` could have preceded, and wants that order too. */
function findRaces(
  stack: readonly Node[],
  depth: number,
  footprint: Footprint,
): void {
  const node = stack[depth]!;
  const waited = stack.findLastIndex(({ hasWaited }) => hasWaited);
  node.before = waited > 0 ? bit(waited) - 1n : 0n;
  const follows = (at: number): void => {
    node.before |= stack[at]!.before | bit(at);
  };
  const enabler = stack.slice(0, depth).findLastIndex(({ choices }) =>
    !choices.includes(node.taken)
  );
  if (enabler >= 0) follows(enabler);
  for (let at = depth - 1; at >= 0; at--) {
    if ((node.before & bit(at)) !== 0n) continue;
    const { done, taken } = stack[at]!;
    if (!conflict(done.get(taken)!, footprint)) continue;
    wantReversed(stack, at, depth);
    follows(at);
  }
}

/** Wants a run in which the step at `depth`, and what it needs, comes before the one at `at`. */
function wantReversed(
  stack: readonly Node[],
  at: number,
  depth: number,
): void {
  const { choices, sleep, wanted } = stack[at]!;
  const initials: string[] = [];
  let others = 0n;
  for (let i = at + 1; i <= depth; i++) {
    const { before, taken } = stack[i]!;
    if (i < depth && (before & bit(at)) !== 0n) continue;
    if ((before & others) === 0n) initials.push(taken);
    others |= bit(i);
  }
  if (initials.some((label) => wanted.has(label) || sleep.has(label))) return;
  const first = initials.find((label) => choices.includes(label));
  for (const label of first === undefined ? choices : [first]) {
    wanted.add(label);
  }
}

function bit(depth: number): bigint {
  return 1n << BigInt(depth);
}

/** Goes back to the last node with a choice left. */
function backtrack(stack: Node[]): boolean {
  for (let node; (node = stack.at(-1)); stack.pop()) {
    const next = nextOf(node);
    if (next === undefined) continue;
    node.taken = next;
    return true;
  }
  return false;
}
