/**
 * Repeats one request to a broker until the broker has answered it, as a state
 * machine without I/O and without a clock. It covers three cases: there is no
 * broker now, and one may come back; a broker that has just come back does not
 * know the connection yet; the broker that was asked is lost before its answer
 * is read.
 *
 * | state | event | next state | effect |
 * |---|---|---|---|
 * | `idle`, `answered`, `failed` | `ask` | `asking` | `attempt` |
 * | `asking` | `answered` | `answered` | `done` |
 * | `asking` | `lost` | `outdated` | - |
 * | `outdated` | `answered` | `asking` | `attempt` |
 * | `asking`, `outdated` | `unavailable`, `unknown` | `pausing` | `pause` |
 * | `asking`, `outdated` | `unavailable`, `unknown`, and no hope | `failed` | `fail` |
 * | `asking` | `refused` | `failed` | `fail` |
 * | `outdated` | `refused` | `asking` | `attempt` |
 * | `pausing` | `paused` | `asking` | `attempt` |
 * | all | `stop` | `stopped` | - |
 * | all | `extended` | the same, with a new deadline | - |
 *
 * Every other pair changes nothing. There is no hope if the caller is orphaned,
 * if the deadline has passed, or if every broker that answered within the grace
 * period did not know the connection and none has ever known it.
 *
 * The driver reports `lost` only for a request that every new broker must get.
 * For other requests an answer counts whatever happens to its broker later.
 *
 * @module
 */

/** How a request is repeated. All times are in milliseconds. */
export interface RetryRules {
  /** The pause after the first failed attempt. */
  readonly firstPauseMs: number;
  /** The longest pause. The pause doubles with each failed attempt; an answer resets it. */
  readonly maxPauseMs: number;
  /** The grace period: how long brokers may answer that they do not know the connection. 0 if absent. */
  readonly unknownGraceMs?: number;
}

/** The phase of a request. */
export type RetryPhase =
  /** Not asked yet. */
  | "idle"
  /** An attempt is under way. */
  | "asking"
  /** An attempt is under way, and its broker was lost meanwhile: an answer will not count. */
  | "outdated"
  /** Between two attempts. */
  | "pausing"
  /** The broker has answered. */
  | "answered"
  /** The broker has refused the request, or there is no hope. */
  | "failed"
  /** Stopped by the caller, for good. */
  | "stopped";

/** The state of one request. */
export interface RetryState {
  readonly phase: RetryPhase;
  /** The pause after the next failed attempt. */
  readonly nextPauseMs: number;
  /** Whether a broker has answered before, one that was lost meanwhile included. The connection then exists, even if the next broker does not know it. */
  readonly known: boolean;
  /** The time of the first of the `unknown` answers that followed each other without another result; `undefined` if the last result was not `unknown`. */
  readonly unknownSince: number | undefined;
  /** The time after which a failed attempt is the last. */
  readonly deadline: number;
}

/** What happened to an attempt that may be repeated. */
interface RetryableFailure {
  /** `unavailable`: there is no broker, or it does not answer. `unknown`: it does not know the connection. */
  readonly type: "unavailable" | "unknown";
  /** The current time. */
  readonly now: number;
  /** Whether the process that needs the answer is gone. */
  readonly orphaned: boolean;
}

/** What happens to a request. */
export type RetryEvent =
  /** The caller wants an answer. */
  | { readonly type: "ask" }
  /** The attempt has its answer. */
  | { readonly type: "answered" }
  /** The attempt has failed in a way that no repetition changes. */
  | { readonly type: "refused" }
  | RetryableFailure
  /** The pause is over. */
  | { readonly type: "paused" }
  /** The broker is gone. */
  | { readonly type: "lost" }
  /** There is a new deadline. */
  | { readonly type: "extended"; readonly deadline: number }
  /** The caller wants no answer any more. */
  | { readonly type: "stop" };

/** What the driver does next. */
export type RetryEffect =
  /** Send the request, then report the result. */
  | { readonly type: "attempt" }
  /** Wait for `ms` milliseconds, then report `paused`. */
  | { readonly type: "pause"; readonly ms: number }
  /** Return the last answer. */
  | { readonly type: "done" }
  /** Throw the last failure; `orphaned` if that is why there is no hope. */
  | { readonly type: "fail"; readonly orphaned: boolean };

/** The state after an event, and the effect, if there is one. */
export interface RetryStep {
  readonly state: RetryState;
  readonly effect?: RetryEffect;
}

/** A request that was not asked yet. */
export function newRetry(rules: RetryRules, deadline = Infinity): RetryState {
  return {
    phase: "idle",
    nextPauseMs: rules.firstPauseMs,
    known: false,
    unknownSince: undefined,
    deadline,
  };
}

/** Applies one event. */
export function retryStep(
  before: RetryState,
  event: RetryEvent,
  rules: RetryRules,
): RetryStep {
  if (event.type === "stop") return { state: { ...before, phase: "stopped" } };
  if (event.type === "extended") {
    return { state: { ...before, deadline: event.deadline } };
  }
  switch (before.phase) {
    case "idle":
    case "answered":
    case "failed":
      return event.type === "ask" ? restart(before, rules) : { state: before };
    case "asking":
    case "outdated":
      return attempted(before, event, rules);
    case "pausing":
      return event.type === "paused"
        ? { state: { ...before, phase: "asking" }, effect: { type: "attempt" } }
        : { state: before };
    case "stopped":
      return { state: before };
  }
}

/** Begins a row of attempts: nothing is known of the broker. */
function restart(before: RetryState, rules: RetryRules): RetryStep {
  return {
    state: {
      ...before,
      phase: "asking",
      nextPauseMs: rules.firstPauseMs,
      unknownSince: undefined,
    },
    effect: { type: "attempt" },
  };
}

/** Applies an event to an attempt that is under way. */
function attempted(
  before: RetryState,
  event: RetryEvent,
  rules: RetryRules,
): RetryStep {
  switch (event.type) {
    case "answered": {
      const known: RetryState = { ...before, known: true };
      return before.phase === "outdated"
        ? restart(known, rules)
        : { state: { ...known, phase: "answered" }, effect: { type: "done" } };
    }
    case "refused":
      // The broker that refused may be gone, or may have known nothing yet.
      return before.phase === "outdated"
        ? restart(before, rules)
        : fail(before, false);
    case "unavailable":
      return again({ ...before, unknownSince: undefined }, event, rules);
    case "unknown":
      return unknown(before, event, rules);
    case "lost":
      return { state: { ...before, phase: "outdated" } };
    default:
      return { state: before };
  }
}

/** The broker does not know the connection. */
function unknown(
  before: RetryState,
  event: RetryableFailure,
  rules: RetryRules,
): RetryStep {
  const { unknownGraceMs = 0 } = rules;
  const unknownSince = before.unknownSince ?? event.now;
  const state = { ...before, unknownSince };
  const overdue = event.now - unknownSince >= unknownGraceMs;
  return overdue && !before.known
    ? fail(state, false)
    : again(state, event, rules);
}

/** Pauses, unless there is no hope. */
function again(
  before: RetryState,
  { now, orphaned }: RetryableFailure,
  { maxPauseMs }: RetryRules,
): RetryStep {
  if (orphaned || now >= before.deadline) return fail(before, orphaned);
  const ms = before.nextPauseMs;
  return {
    state: {
      ...before,
      phase: "pausing",
      nextPauseMs: Math.min(2 * ms, maxPauseMs),
    },
    effect: { type: "pause", ms },
  };
}

function fail(before: RetryState, orphaned: boolean): RetryStep {
  return {
    state: { ...before, phase: "failed" },
    effect: { type: "fail", orphaned },
  };
}
