/**
 * The loop that calls a processor's functions while there is work, and waits
 * without using the processor otherwise.
 *
 * @module
 */

/** Default pause of a continuous loop after a turn in which no frame was sent or read, in milliseconds. */
export const DEFAULT_REST_MS = 16;

/** A signal that something may have changed, for loops that wait for work. */
export class Activity {
  #waiting: PromiseWithResolvers<void> | undefined;

  /** Ends all waits that are in progress. */
  changed(): void {
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

/** Resolves after one turn of the event loop, in which control messages and releases are handled. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The counters of a channel that a loop needs. */
export interface FrameProgress {
  /** Frames sent and received so far. */
  readonly transferred: number;
  /** Frames received and not yet read. */
  readonly unread: number;
}

/** The number of frames sent or read so far. If it changes during a turn, the turn did something. */
function workDone({ transferred, unread }: FrameProgress): number {
  return transferred - unread;
}

/**
 * Calls `turn` repeatedly until `signal` aborts. After a turn in which no frame
 * was sent or read, waits for activity, but at most `restMs` milliseconds.
 */
export async function continuousLoop(
  progress: FrameProgress,
  activity: Activity,
  turn: () => void | Promise<void>,
  restMs: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const before = workDone(progress);
    await turn();
    if (workDone(progress) === before) await activity.wait(restMs);
    else await nextTurn();
  }
}
