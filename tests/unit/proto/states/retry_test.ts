import { assert, assertEquals } from "@std/assert";
import {
  newRetry,
  type RetryEffect,
  type RetryEvent,
  type RetryPhase,
  type RetryRules,
  type RetryState,
  retryStep,
} from "../../../../proto/states/retry.ts";

const RULES: RetryRules = {
  firstPauseMs: 100,
  maxPauseMs: 1_000,
  unknownGraceMs: 5_000,
};
const DEADLINE = 60_000;

const failed = (
  type: "unavailable" | "unknown",
  now = 0,
  orphaned = false,
): RetryEvent => ({ type, now, orphaned });

/** Applies events. Returns the state after them, and the effects as text. */
function run(...events: RetryEvent[]): [RetryState, string[]] {
  let state = newRetry(RULES, DEADLINE);
  const effects: string[] = [];
  for (const event of events) {
    const step = retryStep(state, event, RULES);
    state = step.state;
    effects.push(text(step.effect));
  }
  return [state, effects];
}

function text(effect: RetryEffect | undefined): string {
  if (!effect) return "-";
  switch (effect.type) {
    case "pause":
      return `pause ${effect.ms}`;
    case "fail":
      return effect.orphaned ? "fail, orphaned" : "fail";
    default:
      return effect.type;
  }
}

const ASK: RetryEvent = { type: "ask" };
const ANSWERED: RetryEvent = { type: "answered" };
const REFUSED: RetryEvent = { type: "refused" };
const PAUSED: RetryEvent = { type: "paused" };
const LOST: RetryEvent = { type: "lost" };
const STOP: RetryEvent = { type: "stop" };
const EXTENDED: RetryEvent = { type: "extended", deadline: DEADLINE + 1 };

/** For each phase, events that lead to it. */
const WAY: Record<RetryPhase, RetryEvent[]> = {
  idle: [],
  asking: [ASK],
  outdated: [ASK, LOST],
  pausing: [ASK, failed("unavailable")],
  answered: [ASK, ANSWERED],
  failed: [ASK, REFUSED],
  stopped: [STOP],
};

/** The columns of TABLE. */
const EVENTS: RetryEvent[] = [
  ASK,
  ANSWERED,
  REFUSED,
  failed("unavailable"),
  failed("unknown"),
  failed("unavailable", 0, true),
  failed("unavailable", DEADLINE),
  PAUSED,
  LOST,
  EXTENDED,
  STOP,
];

/** Each cell has the next phase and the effect; `.` stands for neither. */
const TABLE: Record<RetryPhase, string[]> = {
  idle: row("asking attempt", ".", ".", ".", ".", ".", ".", ".", "."),
  asking: row(
    ".",
    "answered done",
    "failed fail",
    "pausing pause 100",
    "pausing pause 100",
    "failed fail, orphaned",
    "failed fail",
    ".",
    "outdated -",
  ),
  outdated: row(
    ".",
    "asking attempt",
    "asking attempt",
    "pausing pause 100",
    "pausing pause 100",
    "failed fail, orphaned",
    "failed fail",
    ".",
    ".",
  ),
  pausing: row(".", ".", ".", ".", ".", ".", ".", "asking attempt", "."),
  answered: row("asking attempt", ".", ".", ".", ".", ".", ".", ".", "."),
  failed: row("asking attempt", ".", ".", ".", ".", ".", ".", ".", "."),
  stopped: [...Array(10).fill("."), "."],
};

/** Makes a row. The cells of the last two events are the same in every row. */
function row(...cells: string[]): string[] {
  return [...cells, ".", "stopped -"];
}

for (const phase of Object.keys(WAY) as RetryPhase[]) {
  Deno.test(`retry: every event while ${phase}`, () => {
    const [before] = run(...WAY[phase]);
    assertEquals(before.phase, phase);
    const copy = structuredClone(before);
    assertEquals(TABLE[phase].length, EVENTS.length);
    EVENTS.forEach((event, i) => {
      const { state, effect } = retryStep(before, event, RULES);
      const cell = state.phase === phase && !effect
        ? "."
        : `${state.phase} ${text(effect)}`;
      assertEquals(cell, TABLE[phase][i], JSON.stringify(event));
      if (cell === "." && event !== EXTENDED) assertEquals(state, before);
    });
    assertEquals(before, copy);
  });
}

Deno.test("retry: the pause doubles up to the longest, and an answer resets it", () => {
  const attempt = [failed("unavailable"), PAUSED];
  const [, effects] = run(ASK, ...Array(6).fill(attempt).flat());
  assertEquals(effects.filter((effect) => effect.startsWith("pause")), [
    "pause 100",
    "pause 200",
    "pause 400",
    "pause 800",
    "pause 1000",
    "pause 1000",
  ]);
  for (const reset of [[ANSWERED, ASK], [LOST, ANSWERED], [REFUSED, ASK]]) {
    const [state] = run(ASK, ...attempt, ...attempt, ...reset);
    assertEquals(state.phase, "asking");
    assertEquals(state.nextPauseMs, RULES.firstPauseMs);
  }
});

Deno.test("retry: a connection that no broker knows fails after the grace period", () => {
  const { unknownGraceMs = 0 } = RULES;
  const early = [
    ASK,
    failed("unknown", 10),
    PAUSED,
    failed("unknown", 10 + unknownGraceMs - 1),
    PAUSED,
  ];
  const late = failed("unknown", 10 + unknownGraceMs);
  assertEquals(run(...early, late)[1].at(-1), "fail");
  // A broker that does not answer begins the period again.
  const between = [failed("unavailable"), PAUSED];
  assertEquals(run(...early, ...between, late)[0].phase, "pausing");
  // A broker has answered before, so the connection was known.
  assertEquals(run(ASK, ANSWERED, ...early, late)[0].phase, "pausing");
  assertEquals(run(ASK, LOST, ANSWERED, ...early, late)[0].phase, "pausing");
});

Deno.test("retry: without a grace period the first unknown answer fails", () => {
  const rules = { firstPauseMs: 1, maxPauseMs: 1 };
  const { state } = retryStep(newRetry(rules), ASK, rules);
  const { effect } = retryStep(state, failed("unknown"), rules);
  assertEquals(effect, { type: "fail", orphaned: false });
});

Deno.test("retry: a new deadline counts from the next failed attempt on, in every phase", () => {
  for (const way of Object.values(WAY)) {
    const [before] = run(...way);
    const { state, effect } = retryStep(before, EXTENDED, RULES);
    assertEquals(state, { ...before, deadline: DEADLINE + 1 });
    assertEquals(effect, undefined);
  }
  const late = failed("unavailable", DEADLINE);
  assertEquals(run(ASK, late)[0].phase, "failed");
  assertEquals(run(ASK, EXTENDED, late)[0].phase, "pausing");
});

Deno.test("retry: every sequence of six events keeps the invariants", () => {
  const events = [
    ASK,
    ANSWERED,
    REFUSED,
    failed("unavailable"),
    failed("unknown"),
    PAUSED,
    LOST,
    STOP,
  ];
  for (let code = 0; code < events.length ** 6; code++) {
    const sequence = Array.from(
      { length: 6 },
      (_, i) => events[Math.floor(code / events.length ** i) % events.length]!,
    );
    check(sequence);
  }
});

/** Checks the invariants: at most one attempt or pause at a time; an answer or a refusal counts only if no loss has outdated it; nothing follows a stop. */
function check(sequence: readonly RetryEvent[]): void {
  let state = newRetry(RULES, DEADLINE);
  let attempting = false, pausing = false, outdated = false, stopped = false;
  let answers = 0;
  for (const event of sequence) {
    const { state: next, effect } = retryStep(state, event, RULES);
    const where = () => `${JSON.stringify(event)} while ${state.phase}`;
    const ends = attempting &&
      ["answered", "refused", "unavailable", "unknown"].includes(event.type);
    if (event.type === "lost" && attempting) outdated = true;
    if (event.type === "answered" && attempting) answers++;
    if (ends) attempting = false;
    if (event.type === "paused") pausing = false;
    if (event.type === "stop") stopped = true;
    if (stopped) attempting = pausing = false;

    assert(!stopped || !effect && next.phase === "stopped", where());
    switch (effect?.type) {
      case "attempt":
        assert(!attempting && !pausing, where());
        attempting = true;
        outdated = false;
        break;
      case "pause":
        assert(ends && !attempting && !pausing, where());
        assert(effect.ms >= RULES.firstPauseMs, where());
        assert(effect.ms <= RULES.maxPauseMs, where());
        pausing = true;
        break;
      case "done":
        assert(ends && event.type === "answered" && !outdated, where());
        break;
      case "fail":
        assert(ends && event.type === "refused" && !outdated, where());
    }
    // An attempt that has ended leads to exactly one effect.
    assert(!ends || stopped || effect, where());
    const asking = next.phase === "asking" || next.phase === "outdated";
    assertEquals(asking, attempting, where());
    assertEquals(next.phase === "outdated", attempting && outdated, where());
    assertEquals(next.phase === "pausing", pausing, where());
    assertEquals(next.known, answers > 0, where());
    state = next;
  }
}
