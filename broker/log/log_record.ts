/**
 * A log record: an object inside the broker, and from it the line of a log file
 * and the message of the protocol. Both are safe to show in a terminal, whatever
 * text a peer sent.
 *
 * @module
 */

import type { LogRecord } from "../../proto/broker_gen.ts";
import { escapeControls, escapeTerminal } from "../../proto/escape.ts";

/** The importance of a record. */
export type LogLevel = "debug" | "info" | "warn" | "error";
/** All levels, in order of importance, `debug` first. */
export const LOG_LEVELS: readonly LogLevel[] = [
  "debug",
  "info",
  "warn",
  "error",
];

/** A value of a log record. Always a scalar, so that no token can hide in a nested object. */
export type LogValue = string | number | bigint | boolean | null | undefined;

/** The extra fields of a log record. The value of `token` or `…_token` is never written. */
export type LogFields = Readonly<Record<string, LogValue>>;

/** A log record, redacted and cut to its limits. */
export interface LogEntry {
  /** Whole milliseconds since the epoch. */
  readonly at: number;
  readonly level: LogLevel;
  /** The part of the broker that wrote it. */
  readonly component: string;
  /** The connection that it is about, or "". */
  readonly connectionId: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** Characters that are kept of one value. */
const MAX_VALUE_LENGTH = 1024;
/** Fields that are kept of one record, besides the fixed ones. */
const MAX_LOG_FIELDS = 26;
/** The names of the fixed fields: an extra field of such a name is left out. */
const FIXED = [
  "time",
  "level",
  "component",
  "connection_id",
  "message",
  "lost_before",
];

/** What a record is made of. */
export interface LogEntryParts extends Pick<LogEntry, "level" | "component"> {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly message: string;
  /** `connection_id` becomes {@link LogEntry.connectionId}. */
  readonly fields: LogFields;
  /** The number of records before this one that could not be written. */
  readonly lost: number;
}

/** Makes a record: redacts tokens, cuts what is too long, leaves out what is undefined. */
export function logEntry(parts: LogEntryParts): LogEntry {
  const { now, level, component, message, lost } = parts;
  const extra = Object.entries(parts.fields)
    .filter(([key, value]) => value !== undefined && !FIXED.includes(key))
    .slice(0, MAX_LOG_FIELDS);
  const fields: Record<string, LogValue> = Object.create(null);
  if (lost > 0) fields["lost_before"] = lost;
  for (const [key, value] of extra) fields[cut(key)] = safe(key, value);
  const connectionId = parts.fields["connection_id"];
  return {
    at: Math.floor(now),
    level,
    component,
    connectionId: connectionId === undefined ? "" : cut(String(connectionId)),
    message: cut(message),
    fields,
  };
}

/** The line of a log file, with its line feed: one JSON object, the fixed fields first. */
export function logLine(entry: LogEntry): string {
  const { at, level, component, connectionId, message, fields } = entry;
  const record = Object.assign(Object.create(null), {
    time: timeOf(at),
    level,
    component,
    connection_id: connectionId || undefined,
    message,
  }, fields);
  return escapeTerminal(JSON.stringify(record)) + "\n";
}

/** The message of the protocol. */
export function logMessage(entry: LogEntry): LogRecord {
  const { at, level, component, connectionId, message, fields } = entry;
  const hasFields = Object.keys(fields).length > 0;
  return {
    time: timeOf(at),
    level,
    component,
    connection_id: escapeControls(connectionId),
    message: escapeControls(message),
    fields_json: hasFields ? escapeTerminal(JSON.stringify(fields)) : "",
  };
}

/** RFC 3339, in UTC. */
function timeOf(at: number): string {
  return new Date(at).toISOString();
}

function safe(key: string, value: LogValue): LogValue {
  if (/(^|_)token$/i.test(key)) return "[redacted]";
  if (typeof value === "bigint") return String(value);
  return typeof value === "string" ? cut(value) : value;
}

function cut(text: string): string {
  const over = text.length - MAX_VALUE_LENGTH;
  return over <= 0
    ? text
    : `${text.slice(0, MAX_VALUE_LENGTH)}… (${over} more)`;
}
