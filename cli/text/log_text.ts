/**
 * Log records and log lines, for people and for programs.
 *
 * @module
 */

import type { LogRecord } from "../../proto/broker_gen.ts";
import { escapeControls } from "../../proto/escape.ts";
import { type Style, styled } from "./style.ts";

const LEVEL_STYLES: Readonly<Record<string, Style>> = {
  debug: "quiet",
  warn: "waiting",
  error: "bad",
};
const LEVEL_CELLS = 5;

/** A record as `--json` writes it. */
export interface RecordRow {
  readonly time: string;
  readonly level: string;
  readonly component: string;
  readonly connection_id: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What its fields are. */
export const RECORD_FIELDS: Readonly<Record<keyof RecordRow, string>> = {
  time: "when, RFC 3339",
  level: "`debug`, `info`, `warn` or `error`",
  component: "the part of the broker that speaks",
  connection_id: "the connection that it is about, or empty",
  message: "what happened",
  fields: "what else is known, an object of scalars",
};

/** A record for programs. */
export function recordRow({ fields_json, ...record }: LogRecord): RecordRow {
  return { ...record, fields: fieldsIn(fields_json) };
}

/** A record in one line. */
export function recordLine(record: LogRecord, colour: boolean): string {
  const { time, level, component, connection_id, message, fields } = recordRow(
    record,
  );
  const pairs = Object.entries({
    ...(connection_id !== "" && { connection_id }),
    ...fields,
  }).map(([key, value]) => `${key}=${plainValue(value)}`);
  const text = (part: string, style?: Style): string =>
    styled(escapeControls(part), style, colour);
  return [
    text(time, "quiet"),
    text(level.padEnd(LEVEL_CELLS), LEVEL_STYLES[level]),
    text(`${component}:`),
    text(message),
    ...(pairs.length === 0 ? [] : [text(pairs.join(" "), "quiet")]),
  ].join(" ");
}

/** A line of somebody's log file: as it is, but for what acts on a terminal. Tabs stay. */
export function fileLine(line: string): string {
  return line.split("\t").map(escapeControls).join("\t");
}

/** The broker's record has scalars alone. */
function fieldsIn(json: string): Record<string, unknown> {
  return json === "" ? {} : JSON.parse(json);
}

/** As it is where that can be told from the next pair, quoted where not. */
function plainValue(value: unknown): string {
  return typeof value === "string" && /^[^\s"=]+$/.test(value)
    ? value
    : JSON.stringify(value);
}
