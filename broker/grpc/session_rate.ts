/**
 * How often a process may open a gRPC connection. The runtime keeps some memory of
 * every HTTP/2 session until the broker ends, so their number over time is bounded,
 * not only how many are open.
 *
 * @module
 */

import { MAX_SESSIONS_AT_ONCE, SESSIONS_PER_SEC } from "../../proto/limits.ts";
import type { ProcessIdentity } from "../registry/process.ts";

/** The time in which an unused allowance is full again, in milliseconds. */
const FULL_AFTER_MS = MAX_SESSIONS_AT_ONCE / SESSIONS_PER_SEC * 1000;

interface Allowance {
  left: number;
  at: number;
}

/**
 * The allowances of all processes. Each starts full, and time fills it up again.
 * Processes that cannot be told share one. Pure: the caller passes the time.
 */
export class SessionRate {
  /** In the order of their last connection. */
  readonly #allowances = new Map<string, Allowance>();

  /** The number of processes that are remembered. */
  get size(): number {
    return this.#allowances.size;
  }

  /**
   * Takes a connection out of the allowance of `process`.
   *
   * @param now in milliseconds
   * @returns why it may open none now; `undefined` if it may
   */
  refusal(
    process: ProcessIdentity | undefined,
    now: number,
  ): string | undefined {
    this.#forget(now);
    const key = process?.key ?? "";
    const { left, at } = this.#allowances.get(key) ??
      { left: MAX_SESSIONS_AT_ONCE, at: now };
    const filled = Math.min(
      MAX_SESSIONS_AT_ONCE,
      left + (now - at) * SESSIONS_PER_SEC / 1000,
    );
    const allowed = filled >= 1;
    this.#allowances.delete(key);
    this.#allowances.set(key, { left: allowed ? filled - 1 : filled, at: now });
    if (allowed) return undefined;
    const whose = process
      ? `process ${process.pid} has`
      : "some processes have";
    return `${whose} opened ${MAX_SESSIONS_AT_ONCE} gRPC connections, and may open ` +
      `${SESSIONS_PER_SEC} a second now; keep one and use it for all calls`;
  }

  /** Forgets the processes whose allowance is full again. */
  #forget(now: number): void {
    for (const [key, { at }] of this.#allowances) {
      if (now - at < FULL_AFTER_MS) return;
      this.#allowances.delete(key);
    }
  }
}
