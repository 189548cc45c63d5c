/**
 * The broker's log: one JSON object a line, safe to show in a terminal whatever
 * a peer put into it.
 *
 * ```text
 * {"time":"2026-01-02T03:04:05.678Z","level":"info","component":"registry","connection_id":"…","message":"ready"}
 * ```
 *
 * @module
 */

import { escapeTerminal } from "../../proto/escape.ts";

/** How much a record matters. */
export type LogLevel = "debug" | "info" | "warn" | "error";
/** Every level, the one that matters least first. */
export const LOG_LEVELS: readonly LogLevel[] = [
  "debug",
  "info",
  "warn",
  "error",
];

/** A value of a log record. Flat on purpose: nothing can hide in a nested object. */
export type LogValue = string | number | bigint | boolean | null | undefined;

/** The extra fields of a log record. One named `token` or `…_token` is never written out. */
export type LogFields = Readonly<Record<string, LogValue>>;

/** What a log needs. */
export interface LogOptions {
  /** Takes one line, with its line feed. May throw: the line is then counted as lost. */
  sink(line: string): void;
  /** Epoch milliseconds. */
  now(): number;
  /** The least level that is written; `info` by default. */
  level?: LogLevel;
}

/** Characters of one value that are kept. */
const MAX_VALUE_LENGTH = 1024;
/** Fields of one record that are kept. */
const MAX_LOG_FIELDS = 32;

/**
 * Writes records of one component.
 *
 * ```ts ignore
 * const log = new Log("relay", { sink: (line) => lines.push(line), now: Date.now });
 * log.warn("second fetch refused", { connection_id: id, pid: 42 });
 * ```
 */
export class Log {
  readonly #component: string;
  readonly #options: LogOptions;
  #lost = 0;

  /** @param component which part of the broker speaks
   * @param options where to, and how much */
  constructor(component: string, options: LogOptions) {
    this.#component = component;
    this.#options = options;
  }

  /** A log for another component, with the same sink and level. */
  component(name: string): Log {
    return new Log(name, this.#options);
  }

  /** For who reads the source beside the log. */
  debug(message: string, fields: LogFields = {}): void {
    this.#write("debug", message, fields);
  }

  /** What happened, as expected. */
  info(message: string, fields: LogFields = {}): void {
    this.#write("info", message, fields);
  }

  /** What was refused or went wrong elsewhere. */
  warn(message: string, fields: LogFields = {}): void {
    this.#write("warn", message, fields);
  }

  /** What went wrong in here. */
  error(message: string, fields: LogFields = {}): void {
    this.#write("error", message, fields);
  }

  #write(level: LogLevel, message: string, fields: LogFields): void {
    const { sink, now, level: least = "info" } = this.#options;
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(least)) return;
    const { connection_id, ...rest } = fields;
    const line = formatRecord({
      time: new Date(now()).toISOString(),
      level,
      component: this.#component,
      connection_id,
      message,
      lost_before: this.#lost || undefined,
    }, rest);
    try {
      sink(line);
      this.#lost = 0;
    } catch {
      // A full disk must not fail the call that was logged; the next line that
      // gets through says how many did not.
      this.#lost++;
    }
  }
}

/** One line: the fixed fields first, then the others; a field never overrides a fixed one. */
export function formatRecord(fixed: LogFields, fields: LogFields): string {
  const others = Object.entries(fields).filter(([key]) =>
    !Object.hasOwn(fixed, key)
  );
  const record: Record<string, unknown> = Object.create(null);
  for (
    const [key, value] of [...Object.entries(fixed), ...others].slice(
      0,
      MAX_LOG_FIELDS,
    )
  ) {
    record[capped(key)] = safe(key, value);
  }
  return escapeTerminal(JSON.stringify(record)) + "\n";
}

function safe(key: string, value: LogValue): LogValue {
  if (value === undefined) return undefined;
  if (/(^|_)token$/i.test(key)) return "[redacted]";
  if (typeof value === "bigint") return String(value);
  return typeof value === "string" ? capped(value) : value;
}

function capped(text: string): string {
  const over = text.length - MAX_VALUE_LENGTH;
  return over <= 0
    ? text
    : `${text.slice(0, MAX_VALUE_LENGTH)}… (${over} more)`;
}
