/**
 * Paces a video at its own frame rate.
 *
 * @module
 */

/** The longest interval. With a slower video the demo would look broken. */
const MAX_INTERVAL_MS = 1000;

/**
 * Computes when each frame is due. After a delay of more than one interval the
 * video goes on from there; frames are not sent faster to catch up.
 *
 * ```ts
 * import { Pacer } from "./pacer.ts";
 *
 * const pacer = new Pacer(25);
 * console.assert(pacer.wait(1000) === 0);
 * console.assert(pacer.wait(1010) === 30); // milliseconds to wait
 * ```
 */
export class Pacer {
  readonly #intervalMs: number;
  #due: number | undefined;

  /** @param frameRate frames a second */
  constructor(frameRate: number) {
    this.#intervalMs = Math.min(1000 / frameRate, MAX_INTERVAL_MS);
  }

  /** Returns the milliseconds to wait, at the time `now`, before the next frame. */
  wait(now: number): number {
    const due = this.#due ?? now;
    const late = now - due > this.#intervalMs;
    this.#due = (late ? now : due) + this.#intervalMs;
    return Math.max(0, due - now);
  }
}

/** Waits `ms` milliseconds, or until `signal` aborts. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const wake = (): void => resolve();
  const timer = setTimeout(wake, ms);
  signal.addEventListener("abort", wake);
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", wake);
}
