/**
 * The broker's log: one JSON object per line.
 *
 * ```text
 * {"time":"2026-01-02T03:04:05.678Z","level":"info","component":"registry","connection_id":"…","message":"ready"}
 * ```
 *
 * @module
 */

import {
  LOG_LEVELS,
  logEntry,
  type LogFields,
  type LogLevel,
  logLine,
} from "./log_record.ts";
import type { LogRing } from "./log_ring.ts";

/** What a log needs. */
export interface LogOptions {
  /** Writes one line, which ends with a line feed. May throw: the line is then counted as lost. */
  sink(line: string): void;
  /** Milliseconds since the epoch. */
  now(): number;
  /** The lowest level that is written; `info` by default. */
  level?: LogLevel;
}

/**
 * Writes the records of one component.
 *
 * ```ts ignore
 * const log = new Log("relay", { sink: (line) => lines.push(line), now: Date.now });
 * log.warn("second fetch refused", { connection_id: id, pid: 42 });
 * ```
 */
export class Log {
  readonly #component: string;
  readonly #options: LogOptions;
  readonly #ring: LogRing | undefined;
  #lost = 0;

  /** @param component the part of the broker that writes
   * @param options where lines go, and from which level
   * @param ring gets every record as well, also one that the sink fails to write */
  constructor(component: string, options: LogOptions, ring?: LogRing) {
    this.#component = component;
    this.#options = options;
    this.#ring = ring;
  }

  /** A log for another component, with the same sink, level and ring. */
  component(name: string): Log {
    return new Log(name, this.#options, this.#ring);
  }

  /** Details for a developer of the broker. */
  debug(message: string, fields: LogFields = {}): void {
    this.#write("debug", message, fields);
  }

  /** An expected event. */
  info(message: string, fields: LogFields = {}): void {
    this.#write("info", message, fields);
  }

  /** A request that was refused, or a failure outside the broker. */
  warn(message: string, fields: LogFields = {}): void {
    this.#write("warn", message, fields);
  }

  /** A failure of the broker itself. */
  error(message: string, fields: LogFields = {}): void {
    this.#write("error", message, fields);
  }

  #write(level: LogLevel, message: string, fields: LogFields): void {
    const { sink, now, level: lowest = "info" } = this.#options;
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(lowest)) return;
    const entry = logEntry({
      now: now(),
      level,
      component: this.#component,
      message,
      fields,
      lost: this.#lost,
    });
    const line = logLine(entry);
    this.#ring?.add(entry, line.length);
    try {
      sink(line);
      this.#lost = 0;
    } catch {
      // A full disk must not fail the call that was logged. The next line that
      // is written has the number of lines that were lost.
      this.#lost++;
    }
  }
}
