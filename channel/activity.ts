/**
 * The loop that calls a processor's functions while there is work. Without work it
 * waits and uses no CPU time.
 *
 * @module
 */

import { inLaterTurn } from "../ffi/turns.ts";

/** Default pause of a continuous loop after a turn in which no frame was sent or read, in milliseconds. */
export const DEFAULT_REST_MS = 16;

/** A signal that something may have changed, for loops that wait for work. */
export class Activity {
  #waiting: PromiseWithResolvers<void> | undefined;
  #changes = 0;

  /** How often {@link changed} was called. */
  get changes(): number {
    return this.#changes;
  }

  /** Ends all waits that are in progress. */
  changed(): void {
    this.#changes++;
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }

  /** Resolves at the next {@link changed}, or after `ms`. */
  async wait(ms?: number): Promise<void> {
    this.#waiting ??= Promise.withResolvers();
    const { promise } = this.#waiting;
    if (ms === undefined) return await promise;
    const timer = setTimeout(() => this.changed(), ms);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Gives the event loop one turn, in which it handles control messages and releases. Resolves after it. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => inLaterTurn(resolve));
}

/** As {@link nextTurn}, for a loop that has not waited since its last turn. */
function followingTurn(): Promise<void> {
  return new Promise((resolve) => inLaterTurn(resolve, true));
}

/** How long frames may be handled before the event loop gets a turn, in milliseconds. */
const TURN_MS = 1;

/**
 * Decides when a loop that handles frames must give the event loop a turn: once a
 * millisecond. A loop that always finds a frame never waits; without this, timers and
 * other connections would get no turn.
 */
export class LoopTurns {
  readonly #now: () => number;
  #last: number;

  /** @param now the time in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#last = now();
  }

  /** The event loop has just had a turn. */
  had(): void {
    this.#last = this.#now();
  }

  /** Resolves after a turn, if it is time for one; else `undefined`. */
  take(): Promise<void> | undefined {
    if (this.#now() - this.#last < TURN_MS) return undefined;
    return followingTurn().then(() => this.had());
  }
}

/** The state of a channel that a loop needs. */
export interface FrameProgress {
  /** Frames sent and received so far. */
  readonly transferred: number;
  /** Frames received and not yet read. */
  readonly unread: number;
  /** Frames that were read, or dropped unread. */
  readonly read: number;
  /** Whether the other side has ended all its ports; their frames may be unread. `undefined` if it has none. */
  readonly incomingEnded: boolean | undefined;
  /** Waits awake for a short time, if a frame is likely to come in it. Returns whether something has come. */
  spin(): boolean;
  /** Told when the loop begins, and ends, to wait because there is nothing to do. */
  idles(on: boolean): void;
  /** Resolves when the event loop has had a turn, if one is needed for what has come, or it is time for one; else `undefined`. */
  turn(): Promise<void> | undefined;
}

/** Whether the other side has ended all its ports, and all their frames were read. */
export function isAllRead(
  { incomingEnded, unread }: Omit<FrameProgress, "transferred">,
): boolean {
  return incomingEnded === true && unread === 0;
}

/** The number of frames sent or read so far. If it changes during a turn, the turn did something. */
function workDone(
  { transferred, unread }: Omit<FrameProgress, "incomingEnded">,
): number {
  return transferred - unread;
}

/**
 * Calls `turn` repeatedly until `isOver`, which is asked between the turns. After
 * a turn in which no frame was sent or read, waits for activity, but at most
 * `restMs` milliseconds.
 */
export async function continuousLoop(
  progress: Omit<FrameProgress, "incomingEnded">,
  activity: Activity,
  turn: () => void | Promise<void>,
  restMs: number,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    const before = workDone(progress);
    const { changes } = activity;
    await turn();
    if (isOver()) return;
    // Activity during the turn counts too: a rest would wait for the next one.
    if (workDone(progress) !== before || activity.changes !== changes) {
      await progress.turn();
    } else await rest(progress, activity, restMs, isOver);
  }
}

/** Waits for activity, for at most `restMs` milliseconds. A spin also ends for what is no activity, such as a release; then the wait goes on. */
async function rest(
  progress: Pick<FrameProgress, "spin" | "turn" | "idles">,
  activity: Activity,
  restMs: number,
  isOver: () => boolean,
): Promise<void> {
  const { changes } = activity;
  const end = performance.now() + restMs;
  let left = restMs;
  while (activity.changes === changes && !isOver()) {
    if (left > 0 && progress.spin()) {
      await progress.turn();
      left = end - performance.now();
    } else { // also if no time is left, because the event loop needs its turn
      progress.idles(true);
      await activity.wait(Math.max(left, 0));
      return progress.idles(false);
    }
  }
}
