/**
 * The last log records, to show to who asks: the same lines that went to the
 * log, so redacted and cut like those.
 *
 * @module
 */

import type { LogRecord } from "../../proto/broker_gen.ts";
import {
  MAX_LOG_LENGTH,
  MAX_LOG_RECORDS,
  MAX_LOG_TAILS,
} from "../../proto/limits.ts";
import { escapeControls } from "../../proto/escape.ts";

/** A record that is kept. */
export interface KeptRecord {
  readonly record: LogRecord;
  /** Its time, epoch milliseconds. */
  readonly at: number;
  /** The runtime that it is about, or "". */
  readonly runtimeId: string;
  /** How many characters its line had. */
  readonly length: number;
}

/** How much a ring keeps, and for how many. */
export interface LogRingLimits {
  readonly records: number;
  /** Characters of all lines. */
  readonly length: number;
  /** Tails at a time. */
  readonly tails: number;
}

const DEFAULT_LIMITS: LogRingLimits = {
  records: MAX_LOG_RECORDS,
  length: MAX_LOG_LENGTH,
  tails: MAX_LOG_TAILS,
};

/**
 * Keeps the last records. Each has a number, the first 0: a reader remembers
 * how far it came, and sees from {@link first} what it has missed. So a slow
 * reader costs nothing, and delays nobody.
 *
 * ```ts ignore
 * const ring = new LogRing();
 * const log = new Log("broker", { now: Date.now, sink: (line) => ring.add(line) });
 * log.info("serving");
 * ring.at(0)?.record.message; // "serving"
 * ```
 */
export class LogRing {
  readonly #limits: LogRingLimits;
  readonly #kept: KeptRecord[] = [];
  readonly #tails = new Set<() => void>();
  #first = 0;
  #length = 0;

  /** @param limits where it ends; those of `proto/limits.ts` by default */
  constructor(limits: Partial<LogRingLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  /** The number of the oldest record that is kept. */
  get first(): number {
    return this.#first;
  }

  /** The number that the next record will have. */
  get end(): number {
    return this.#first + this.#kept.length;
  }

  /** The record of this number, `undefined` when it is not kept. */
  at(number: number): KeptRecord | undefined {
    return this.#kept[number - this.#first];
  }

  /** Takes a line as a `Log` writes it, and lets the oldest go to make room for it. */
  add(line: string): void {
    const { records, length } = this.#limits;
    this.#kept.push(parse(line));
    this.#length += line.length;
    while (this.#kept.length > records || this.#length > length) {
      this.#length -= this.#kept.shift()!.length;
      this.#first++;
    }
    for (const wake of this.#tails) wake();
  }

  /** Calls `wake` after each record until what is returned is disposed; `undefined` where there are as many tails as may be. */
  subscribe(wake: () => void): Disposable | undefined {
    if (this.#tails.size >= this.#limits.tails) return undefined;
    // Its own function: who subscribes twice is there twice.
    const tail = (): void => wake();
    this.#tails.add(tail);
    return { [Symbol.dispose]: () => void this.#tails.delete(tail) };
  }
}

/** The line's values are plain again once it is parsed, so what a terminal acts on is escaped anew. */
function parse(line: string): KeptRecord {
  const { time, level, component, connection_id = "", message, ...rest } = JSON
    .parse(line);
  const hasMore = Object.keys(rest).length > 0;
  return {
    record: {
      time,
      level,
      component,
      connection_id: escapeControls(String(connection_id)),
      message: escapeControls(message),
      fields_json: hasMore ? escapeControls(JSON.stringify(rest)) : "",
    },
    at: Date.parse(time),
    runtimeId: String(rest.runtime_id ?? ""),
    length: line.length,
  };
}
