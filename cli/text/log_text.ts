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

/** A record as `--json` writes it: one object. */
export interface RecordRow {
  readonly time: string;
  readonly level: string;
  readonly component: string;
  readonly connection_id: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The meaning of its fields, for the help text. */
export const RECORD_FIELDS: Readonly<Record<keyof RecordRow, string>> = {
  time: "when, RFC 3339",
  level: "`debug`, `info`, `warn` or `error`",
  component: "the part of the broker that wrote it",
  connection_id: "the connection that it is about, or empty",
  message: "what happened",
  fields: "more details, an object of scalars",
};

/** The record as `--json` writes it. */
export function recordRow({ fields_json, ...record }: LogRecord): RecordRow {
  return { ...record, fields: fieldsIn(fields_json) };
}

/** The record as one line of text. */
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

/** A line for records that are missing in what is shown. */
export function lostLine(lost: number): string {
  return `${lost} ${
    lost === 1 ? "record is" : "records are"
  } missing here: the broker logged faster than this command read.`;
}

/** A line of a log file, with everything escaped that a terminal acts on, except tabs. */
export function fileLine(line: string): string {
  return line.split("\t").map(escapeControls).join("\t");
}

/** The broker's fields are scalars. */
function fieldsIn(json: string): Record<string, unknown> {
  return json === "" ? {} : JSON.parse(json);
}

/** Quoted if it has blanks, quotes or "=". */
function plainValue(value: unknown): string {
  return typeof value === "string" && /^[^\s"=]+$/.test(value)
    ? value
    : JSON.stringify(value);
}
