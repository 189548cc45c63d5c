/**
 * The last log records, for `TailLogs`.
 *
 * @module
 */

import { MAX_LOG_LENGTH, MAX_LOG_RECORDS } from "../../proto/limits.ts";
import type { LogEntry } from "./log_record.ts";

/** The limits of a ring. */
export interface LogRingLimits {
  /** Records. */
  readonly records: number;
  /** Characters of all records' lines. */
  readonly length: number;
}

const DEFAULT_LIMITS: LogRingLimits = {
  records: MAX_LOG_RECORDS,
  length: MAX_LOG_LENGTH,
};

/** A record, and the length of its line in characters. */
interface KeptEntry {
  readonly entry: LogEntry;
  readonly length: number;
}

/**
 * Keeps the last records. Records are numbered from 0. A reader keeps the number
 * of its next record, and {@link first} tells it how many it has missed: a slow
 * reader costs no memory and delays nobody.
 *
 * ```ts ignore
 * const ring = new LogRing();
 * const log = new Log("broker", { now: Date.now, sink: () => {} }, ring);
 * log.info("serving");
 * ring.at(0)?.message; // "serving"
 * ```
 */
export class LogRing {
  readonly #limits: LogRingLimits;
  readonly #kept: KeptEntry[] = [];
  readonly #tails = new Set<() => void>();
  #first = 0;
  #length = 0;

  /** @param limits those of `proto/limits.ts` by default */
  constructor(limits: Partial<LogRingLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  /** The number of the oldest record that is kept. */
  get first(): number {
    return this.#first;
  }

  /** The number of the next record to be added. */
  get end(): number {
    return this.#first + this.#kept.length;
  }

  /** The record with this number; `undefined` if it is not kept. */
  at(number: number): LogEntry | undefined {
    return this.#kept[number - this.#first]?.entry;
  }

  /** The length of that record's line in characters; 0 if it is not kept. */
  lengthAt(number: number): number {
    return this.#kept[number - this.#first]?.length ?? 0;
  }

  /** Adds a record, whose line has `length` characters, and drops the oldest ones above the limits. */
  add(entry: LogEntry, length: number): void {
    const limits = this.#limits;
    this.#kept.push({ entry, length });
    this.#length += length;
    while (
      this.#kept.length > limits.records || this.#length > limits.length
    ) {
      this.#length -= this.#kept.shift()!.length;
      this.#first++;
    }
    for (const wake of this.#tails) wake();
  }

  /** Calls `wake` after each record until the result is disposed. */
  subscribe(wake: () => void): Disposable {
    // A new function each time: the same `wake` may subscribe twice.
    const tail = (): void => wake();
    this.#tails.add(tail);
    return { [Symbol.dispose]: () => void this.#tails.delete(tail) };
  }
}
