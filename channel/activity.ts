/**
 * When a processor's functions are called: loops that work while there is
 * something to do, and otherwise wait without costing anything.
 *
 * @module
 */

/** How long a continuous loop rests after a turn that did nothing, in milliseconds. */
export const DEFAULT_REST_MS = 16;

/** Something may have changed: who waits for that, looks again. */
export class Activity {
  #waiting: PromiseWithResolvers<void> | undefined;

  /** Wakes whoever waits. */
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

/** A turn of the event loop: control messages and releases come in between the calls. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What a loop needs to know of a channel. */
export interface FrameProgress {
  /** Frames sent and received so far. */
  readonly transferred: number;
  /** Frames that came and were not read yet. */
  readonly unread: number;
}

/** Frames that were sent or read so far: whether it changes tells whether anything was done. */
function workDone({ transferred, unread }: FrameProgress): number {
  return transferred - unread;
}

/**
 * Calls `turn` again and again until `signal` aborts. After a turn in which no
 * frame was sent or read, it waits for activity, or for `restMs`.
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
