/**
 * What the broker refused, dropped and ended, by kind and process.
 *
 * @module
 */

import type { Log } from "../log/log.ts";
import type { LogFields } from "../log/log_record.ts";
import type { ProcessIdentity } from "./process.ts";

/**
 * The kinds of incidents:
 *
 * - `refused`: a quota was full
 * - `silent`: a connection that had said nothing useful made room for another
 * - `over_budget`: a connection was ended because of what it sent or did not read
 * - `malformed`: a message was dropped
 */
export const INCIDENT_KINDS = [
  "refused",
  "silent",
  "over_budget",
  "malformed",
] as const;

/** A kind of incident. */
export type IncidentKind = typeof INCIDENT_KINDS[number];

/** The processes of which the counts are kept; the longest unheard of goes first. */
const MAX_COUNTED = 256;

/**
 * Counts incidents. Of each kind and process the 1st, 2nd, 4th, 8th … is logged with
 * its number, so that a flood is visible and does not fill the disk.
 */
export class Incidents {
  readonly #totals = new Map<IncidentKind, number>();
  readonly #counts = new Map<string, number>();

  /** The number of incidents of a kind since the start. */
  count(kind: IncidentKind): number {
    return this.#totals.get(kind) ?? 0;
  }

  /**
   * Counts `times` incidents.
   *
   * @param log gets the record
   * @param message what happened and why
   * @param process who is to blame, if that is known
   */
  note(
    kind: IncidentKind,
    log: Log,
    message: string,
    process: ProcessIdentity | undefined,
    fields: LogFields = {},
    times = 1,
  ): void {
    this.#totals.set(kind, this.count(kind) + times);
    const key = `${kind} ${process?.key}`;
    const before = this.#counts.get(key) ?? 0;
    const count = before + times;
    this.#counts.delete(key);
    this.#counts.set(key, count);
    if (this.#counts.size > MAX_COUNTED) {
      const [oldest] = this.#counts.keys();
      this.#counts.delete(oldest!);
    }
    if (Math.floor(Math.log2(count)) === Math.floor(Math.log2(before))) return;
    log.warn(message, { ...fields, pid: process?.pid, count });
  }
}
