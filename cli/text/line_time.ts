/**
 * The time of a log line, read from the line itself.
 *
 * @module
 */

const RFC_3339 =
  /\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})?/;
const AT_BEGINNING = new RegExp(`^\\W{0,2}(${RFC_3339.source})`);
/** The usual names of the time field in a JSON record. */
const IN_JSON = new RegExp(
  `"(?:time|timestamp|ts|@timestamp)"\\s*:\\s*"(${RFC_3339.source})"`,
);

/**
 * The time of a line in epoch milliseconds: the time field of a JSON record, or
 * the time at the beginning of other lines. UTC unless a zone is given.
 * `undefined` if the line has no time.
 */
export function lineTime(line: string): number | undefined {
  const found = (line.startsWith("{") ? IN_JSON : AT_BEGINNING).exec(line)?.[1];
  if (found === undefined) return undefined;
  const iso = found.replace(" ", "T").replace(",", ".");
  const at = Date.parse(/(Z|[+-]\d{2}:?\d{2})$/.test(iso) ? iso : `${iso}Z`);
  return Number.isNaN(at) ? undefined : at;
}

/** Selects the lines since a time. A line without a time counts as written together with the line before it. */
export class SinceFilter {
  readonly #since: number | undefined;
  #passes: boolean;
  /** Whether any line so far had a time. */
  timed = false;

  /** @param since epoch milliseconds; `undefined` selects every line */
  constructor(since: number | undefined) {
    this.#since = since;
    this.#passes = since === undefined;
  }

  /** Whether `line` is selected. Lines must be passed in order. */
  passes(line: string): boolean {
    if (this.#since === undefined) return true;
    const at = lineTime(line);
    if (at !== undefined) {
      this.timed = true;
      this.#passes = at >= this.#since;
    }
    return this.#passes;
  }
}
