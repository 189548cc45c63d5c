/**
 * The filter of `TailLogs` and `ReadLogs`.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import { MAX_GRPC_MESSAGE_BYTES, MAX_NAME_BYTES } from "../../proto/limits.ts";
import type { RequestFields } from "./fields.ts";
import { LOG_LEVELS, type LogEntry, type LogLevel } from "../log/log_record.ts";

/** Whether a record passes. */
export type LogFilter = (entry: LogEntry) => boolean;

const KEYS = ["level", "component", "connection_id", "runtime_id"];
const RFC_3339 =
  /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

/**
 * Reads a request's `filter` and `since`. `filter` has terms `key=value`,
 * separated by blanks, which must all match. `level` matches that level and more
 * important ones; the other keys match exactly.
 *
 * Throws BridgeError `bad_argument` with the malformed term.
 */
export function readLogFilter(fields: RequestFields): LogFilter {
  const terms = fields.text("filter", MAX_GRPC_MESSAGE_BYTES)
    .split(/\s+/).filter((term) => term !== "")
    .map((term) => readTerm(term, fields));
  const since = readSince(fields.text("since", MAX_NAME_BYTES), fields);
  return (entry) =>
    entry.at >= since && terms.every((matches) => matches(entry));
}

function readTerm(term: string, fields: RequestFields): LogFilter {
  const [key = "", ...parts] = term.split("=");
  const value = parts.join("=");
  if (parts.length === 0 || value === "" || !KEYS.includes(key)) {
    const expected = `key=value, key one of ${KEYS.join(", ")}`;
    throw malformed(fields, "filter", term, expected);
  }
  if (key === "runtime_id") {
    return ({ fields }) => fields["runtime_id"] === value;
  }
  if (key === "component") return ({ component }) => component === value;
  if (key === "connection_id") {
    return ({ connectionId }) => connectionId === value;
  }
  const least = LOG_LEVELS.indexOf(value as LogLevel);
  if (least < 0) {
    const expected = `level=${LOG_LEVELS.join(", level=")}`;
    throw malformed(fields, "filter", term, expected);
  }
  return ({ level }) => LOG_LEVELS.indexOf(level) >= least;
}

/** Milliseconds since the epoch; -Infinity for "". */
function readSince(text: string, fields: RequestFields): number {
  if (text === "") return -Infinity;
  const at = RFC_3339.test(text) ? Date.parse(text.toUpperCase()) : NaN;
  if (!Number.isNaN(at)) return at;
  throw malformed(fields, "since", text, "a time like 2026-01-02T03:04:05Z");
}

function malformed(
  { operation }: RequestFields,
  field: string,
  found: string,
  expected: string,
): BridgeError {
  return new BridgeError(
    "bad_argument",
    `Cannot ${operation}: field '${field}' has ${
      JSON.stringify(found.slice(0, MAX_NAME_BYTES))
    }, expected ${expected}`,
  );
}
