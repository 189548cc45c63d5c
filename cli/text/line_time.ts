/**
 * When a line of a log was written, as far as the line says.
 *
 * @module
 */

const RFC_3339 =
  /\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})?/;
const AT_BEGINNING = new RegExp(`^\\W{0,2}(${RFC_3339.source})`);
/** The usual names of a JSON record's time. */
const IN_JSON = new RegExp(
  `"(?:time|timestamp|ts|@timestamp)"\\s*:\\s*"(${RFC_3339.source})"`,
);

/**
 * The time of a line, in epoch milliseconds: that of a JSON record, or what
 * the line begins with. Without a zone it is UTC. `undefined` where there is none.
 */
export function lineTime(line: string): number | undefined {
  const found = (line.startsWith("{") ? IN_JSON : AT_BEGINNING).exec(line)?.[1];
  if (found === undefined) return undefined;
  const iso = found.replace(" ", "T").replace(",", ".");
  const at = Date.parse(/(Z|[+-]\d{2}:?\d{2})$/.test(iso) ? iso : `${iso}Z`);
  return Number.isNaN(at) ? undefined : at;
}

/** Lets lines through from a time on. A line without one is as old as the line before it. */
export class SinceFilter {
  readonly #since: number | undefined;
  #passes: boolean;
  /** Whether any line had a time. */
  timed = false;

  /** @param since epoch milliseconds, `undefined` for every line */
  constructor(since: number | undefined) {
    this.#since = since;
    this.#passes = since === undefined;
  }

  /** Whether `line` is wanted. */
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
