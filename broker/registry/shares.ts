/**
 * One quota: how much there is of a resource, and how much each process may have.
 *
 * @module
 */

import { PROCESS_SHARE } from "../../proto/limits.ts";
import type { ProcessIdentity } from "./process.ts";

/** How full a quota is. */
export interface Fullness {
  readonly name: string;
  readonly used: number;
  /** The limit of all processes together. */
  readonly limit: number;
  /** The limit of one process. */
  readonly processLimit: number;
  /** The process that holds the most; `undefined` if none holds anything. */
  readonly fullest: { readonly pid: number; readonly used: number } | undefined;
}

interface Holding {
  readonly pid: number;
  amount: number;
}

/**
 * Counts a resource per process. All processes are the same user's, so a process
 * that starts others must not get a multiple of what one may have:
 *
 * - all together have at most `limit`
 * - one has at most a {@link PROCESS_SHARE}th of it
 * - beyond one piece, one process has at most an equal part of what is left
 *
 * So each further process can get less than the one before, and the next one always
 * gets something.
 */
export class Shares {
  /** The resource, in the plural. */
  readonly name: string;
  /** The limit of all processes together. */
  readonly limit: number;
  /** The limit of one process. */
  readonly processLimit: number;
  readonly #holdings = new Map<string, Holding>();
  #used = 0;

  /** @param name the resource, in the plural, such as `connections`
   * @param limit the limit of all processes together */
  constructor(name: string, limit: number) {
    this.name = name;
    this.limit = limit;
    this.processLimit = Math.ceil(limit / PROCESS_SHARE);
  }

  /** How much all processes have. */
  get used(): number {
    return this.#used;
  }

  /** How much `process` has. */
  of(process: ProcessIdentity | undefined): number {
    return process ? this.#holdings.get(process.key)?.amount ?? 0 : 0;
  }

  /** Why `process` cannot have `amount` more; `undefined` if it can. Without a process only the limit of all counts. */
  refusal(
    process: ProcessIdentity | undefined,
    amount = 1,
  ): string | undefined {
    const { name, limit, processLimit } = this;
    const left = limit - this.#used;
    const raise = `start the broker with a higher --limits ${name}=${limit}`;
    if (amount > left) {
      return `all processes together have ${this.#used} of ${limit} ${name}; end some, or ${raise}`;
    }
    if (process === undefined) return undefined;
    const own = this.of(process);
    const wanted = own + amount;
    const whose = `process ${process.pid} has ${own}`;
    if (wanted > processLimit) {
      return `${whose} of ${processLimit} ${name}, the limit of one process; end some, or ${raise}`;
    }
    const holders = this.#holdings.size + (own === 0 ? 1 : 0);
    if (wanted <= 1 || wanted <= left / holders) return undefined;
    return `${whose} ${name}, its share while ${
      holders - 1
    } other processes have ${
      this.#used - own
    } of ${limit}; end some, or ${raise}`;
  }

  /** Adds `amount` to what `process` has. */
  charge(process: ProcessIdentity | undefined, amount = 1): void {
    this.#used += amount;
    if (process === undefined) return;
    const holding = this.#holdings.get(process.key);
    if (holding) holding.amount += amount;
    else this.#holdings.set(process.key, { pid: process.pid, amount });
  }

  /** Subtracts `amount` from what `process` has. */
  discharge(process: ProcessIdentity | undefined, amount = 1): void {
    this.#used -= amount;
    if (process === undefined) return;
    const holding = this.#holdings.get(process.key)!;
    holding.amount -= amount;
    if (holding.amount === 0) this.#holdings.delete(process.key);
  }

  /** How full it is. */
  fullness(): Fullness {
    let fullest: Holding | undefined;
    for (const holding of this.#holdings.values()) {
      if (!fullest || holding.amount > fullest.amount) fullest = holding;
    }
    const { name, limit, processLimit } = this;
    return {
      name,
      used: this.#used,
      limit,
      processLimit,
      fullest: fullest && { pid: fullest.pid, used: fullest.amount },
    };
  }
}
