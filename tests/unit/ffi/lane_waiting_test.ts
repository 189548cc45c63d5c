/**
 * A model of how the two sides of a lane wait for each other, in every order of
 * their steps: one direction of a lane, whose writer publishes frames and sends
 * messages, and whose reader sleeps. A step is one access to the memory, one ring,
 * or one look of the event loop. `c/bridge/lane_run.c` has the same steps.
 *
 * The mistakes show that the model would find one.
 */

import { assert, assertEquals } from "@std/assert";

/** What the writer does, in order: `f` publishes a frame, `m` sends a message that is ordered with them. */
type Script = string;

/** Rules that a reader or writer could forget. */
const MISTAKES = [
  "plain stores", // a store may become visible after a later load of the same side
  "the writer looks at asleep before it publishes",
  "the writer does not clear asleep",
  "the writer does not ring",
  "the reader looks at head before it announces",
  "the reader does not look again",
  "the reader does not drain before a message",
  "the reader does not wait for a late message",
  "a wait takes the ring for an event away",
] as const;
type Mistake = typeof MISTAKES[number];

/** How the reader sleeps: in its event loop, or in `slb_lane_wait`. */
type Sleeper = "event loop" | "wait";

type Variable = "head" | "asleep";
type Side = "writer" | "reader";

interface State {
  readonly memory: Record<Variable, number>;
  /** Stores that only their own side sees yet; used with plain stores. */
  readonly buffers: Record<Side, [Variable, number][]>;
  /** Rings that were not read. */
  bell: number;
  /** How often the reader has announced sleep, and the writer has rung. */
  announced: number;
  rung: number;
  /** Rings for messages: the bell of the reader's queue. */
  queueBell: number;
  /** Messages that were sent, and those that the reader has handled. */
  sent: number;
  handled: number;
  /** The writer's next item of the script, and its step in it. */
  item: number;
  step:
    | "start"
    | "look"
    | "exchange"
    | "ring"
    | "publish"
    | "publish and ring";
  published: number;
  /** What the reader does next. */
  reader:
    | "asleep"
    | "wake"
    | "drain"
    | "announce"
    | "look again"
    | "events"
    | "poll"
    | "message";
  /** The head that the reader has seen, and the number of frames that it has read. */
  seen: number;
  read: number;
  /** What the reader has got, in the letters of the script. */
  got: string;
}

const START: State = {
  memory: { head: 0, asleep: 1 },
  buffers: { writer: [], reader: [] },
  bell: 0,
  announced: 1,
  rung: 0,
  queueBell: 0,
  sent: 0,
  handled: 0,
  item: 0,
  step: "start",
  published: 0,
  reader: "asleep",
  seen: 0,
  read: 0,
  got: "",
};

class Model {
  readonly #script: Script;
  readonly #sleeper: Sleeper;
  readonly #mistake: Mistake | undefined;
  /** The number of messages before each frame. */
  readonly #after: number[];

  constructor(script: Script, sleeper: Sleeper, mistake?: Mistake) {
    this.#script = script;
    this.#sleeper = sleeper;
    this.#mistake = mistake;
    this.#after = [...script].flatMap((letter, i) =>
      letter === "f" ? [script.slice(0, i).replaceAll("f", "").length] : []
    );
  }

  /** All that can happen next; nothing if everyone sleeps or has finished. */
  next(state: State): State[] {
    return [
      ...this.#flush(state, "writer"),
      ...this.#flush(state, "reader"),
      ...this.#write(state),
      ...this.#read(state),
    ];
  }

  #makes(mistake: Mistake): boolean {
    return this.#mistake === mistake;
  }

  // ---- memory ----

  #flush(state: State, side: Side): State[] {
    if (state.buffers[side].length === 0) return [];
    const next = structuredClone(state);
    const [variable, value] = next.buffers[side].shift()!;
    next.memory[variable] = value;
    return [next];
  }

  #store(state: State, side: Side, variable: Variable, value: number): void {
    if (this.#makes("plain stores")) {
      state.buffers[side].push([variable, value]);
    } else state.memory[variable] = value;
  }

  #load(state: State, side: Side, variable: Variable): number {
    const own = state.buffers[side].findLast(([name]) => name === variable);
    return own ? own[1] : state.memory[variable];
  }

  // ---- the writer ----

  #write(state: State): State[] {
    const letter = this.#script[state.item];
    if (letter === undefined) return [];
    const next = structuredClone(state);
    const early = this.#makes("the writer looks at asleep before it publishes");
    const publish = (): void =>
      this.#store(next, "writer", "head", ++next.published);
    const isAsleep = (): boolean => this.#load(next, "writer", "asleep") === 1;
    const finish = (): void => {
      next.item++;
      next.step = "start";
    };
    if (letter === "m") {
      next.sent++;
      if (next.sent - next.handled === 1) next.queueBell++;
      finish();
      return [next];
    }
    switch (state.step) {
      case "start":
        if (early) next.step = isAsleep() ? "publish and ring" : "publish";
        else {
          publish();
          next.step = "look";
        }
        return [next];
      case "look":
        if (isAsleep()) next.step = "exchange";
        else finish();
        return [next];
      case "exchange":
        if (state.buffers.writer.length > 0) return []; // it waits for its stores
        if (this.#exchange(next)) next.step = "ring";
        else finish();
        return [next];
      case "ring":
        next.bell++;
        next.rung++;
        finish();
        return [next];
      case "publish":
      case "publish and ring":
        publish();
        if (state.step === "publish") finish();
        else next.step = "exchange";
        return [next];
    }
  }

  /** Returns whether the writer is to ring. */
  #exchange(state: State): boolean {
    const wasAsleep = state.memory.asleep === 1;
    if (!this.#makes("the writer does not clear asleep")) {
      state.memory.asleep = 0;
    }
    return wasAsleep && !this.#makes("the writer does not ring");
  }

  // ---- the reader ----

  #read(state: State): State[] {
    const next = structuredClone(state);
    const hasMessage = state.sent > state.handled;
    const waits = this.#sleeper === "wait";
    switch (state.reader) {
      case "asleep":
        return this.#eventLoop(state);
      case "wake":
        this.#store(next, "reader", "asleep", 0);
        next.reader = waits && hasMessage ? "message" : "drain";
        return [next];
      case "drain":
        this.#drain(next);
        if (this.#makes("the reader looks at head before it announces")) {
          next.reader = "look again";
        } else next.reader = "announce";
        // It may also look once more first: a spin.
        return [
          next,
          ...(this.#load(state, "reader", "head") === state.seen
            ? []
            : [{ ...structuredClone(next), reader: "drain" as const }]),
        ];
      case "announce":
        this.#store(next, "reader", "asleep", 1);
        next.announced++;
        if (
          this.#makes("the reader looks at head before it announces") ||
          this.#makes("the reader does not look again")
        ) next.reader = waits ? "events" : "asleep";
        else next.reader = "look again";
        return [next];
      case "look again": {
        const moved = this.#load(next, "reader", "head") !== next.seen;
        if (this.#makes("the reader looks at head before it announces")) {
          next.reader = moved ? "drain" : "announce";
        } else next.reader = moved ? "wake" : waits ? "events" : "asleep";
        return [next];
      }
      case "events":
        next.reader = hasMessage ? "wake" : "poll";
        return [next];
      case "poll":
        return this.#poll(state);
      case "message":
        this.#message(next);
        next.reader = waits ? "announce" : "asleep";
        return [next];
    }
  }

  /** The event loop delivers what there is, in any order. */
  #eventLoop(state: State): State[] {
    const rung = structuredClone(state), told = structuredClone(state);
    rung.bell = 0;
    rung.reader = "wake";
    told.queueBell = 0;
    told.reader = "message";
    const hasMessage = state.sent > state.handled;
    return [
      ...(state.bell > 0 ? [rung] : []),
      ...(state.queueBell > 0 && hasMessage ? [told] : []),
    ];
  }

  /** As `wait_once`: it reads the rings, and rings again for messages that are there. */
  #poll(state: State): State[] {
    if (state.bell + state.queueBell === 0) return [];
    const next = structuredClone(state);
    next.bell = next.queueBell = 0;
    const keeps = !this.#makes("a wait takes the ring for an event away");
    if (keeps && next.sent > next.handled) next.queueBell = 1;
    next.reader = "announce";
    // The messages are left to the event loop, which may come first.
    return [
      next,
      ...(next.sent > next.handled
        ? [{ ...structuredClone(next), reader: "asleep" as const }]
        : []),
    ];
  }

  #message(state: State): void {
    if (!this.#makes("the reader does not drain before a message")) {
      this.#drain(state);
    }
    state.handled++;
    state.got += "m";
    if (state.sent > state.handled) state.queueBell = 1; // as long as there are more
    this.#takeFrames(state);
  }

  #drain(state: State): void {
    state.seen = this.#load(state, "reader", "head");
    this.#takeFrames(state);
  }

  /** Reads the frames up to `seen`, or up to one that waits for a message. */
  #takeFrames(state: State): void {
    const waits = !this.#makes("the reader does not wait for a late message");
    while (state.read < state.seen) {
      if (waits && this.#after[state.read]! > state.handled) return;
      state.read++;
      state.got += "f";
    }
  }
}

/** Runs the model in every order. Returns a wrong end, if there is one, and counts the states in `seen`. */
function explore(
  script: Script,
  sleeper: Sleeper,
  mistake?: Mistake,
  seen: Set<string> = new Set(),
): string | undefined {
  const model = new Model(script, sleeper, mistake);
  const open: State[] = [
    sleeper === "wait" ? { ...START, reader: "announce" } : START,
  ];
  for (let state; (state = open.pop());) {
    const name = JSON.stringify(state);
    if (seen.has(name)) continue;
    seen.add(name);
    const next = model.next(state);
    open.push(...next);
    const isFlood = state.rung > state.announced;
    if (isFlood || (next.length === 0 && state.got !== script)) return name;
  }
  return undefined;
}

/** Every script of one to `longest` items. */
function scripts(longest: number): Script[] {
  const all: Script[] = [];
  let last = [""];
  for (let length = 1; length <= longest; length++) {
    last = last.flatMap((script) => [`${script}f`, `${script}m`]);
    all.push(...last);
  }
  return all;
}

const SLEEPERS: readonly Sleeper[] = ["event loop", "wait"];

for (const sleeper of SLEEPERS) {
  Deno.test(`in no order is a wake-up or a frame lost, and nothing rings without an announcement, by ${sleeper}`, () => {
    let states = 0;
    for (const script of scripts(4)) {
      const seen = new Set<string>();
      assertEquals(explore(script, sleeper, undefined, seen), undefined);
      states += seen.size;
    }
    assert(states > 5000, `only ${states} states`);
  });
}

for (const mistake of MISTAKES) {
  Deno.test(`the model finds this mistake: ${mistake}`, () => {
    const found = SLEEPERS.some((sleeper) =>
      scripts(3).some((script) => explore(script, sleeper, mistake))
    );
    assert(found);
  });
}
