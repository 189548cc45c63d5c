/**
 * The broker's log records, in a stream that outlives the broker.
 *
 * @module
 */

import type { LogRecord } from "../../proto/broker_gen.ts";
import type { RequestOf } from "../../proto/wire/control.ts";
import type { Console } from "../terminal/console.ts";
import type { Presence } from "../presence.ts";
import type { Session } from "../session.ts";

const REST_MS = 1_000;

/** Which records. */
export interface Wanted {
  /** As `TailLogs` takes it. */
  readonly filter: string;
  /** Epoch milliseconds. */
  readonly since: number | undefined;
}

/**
 * Records that were seen already, so that a stream can begin again where
 * another one ended: at the time of its last record, where some come twice.
 *
 * ```ts
 * import { SeenRecords } from "./log_records.ts";
 *
 * const seen = new SeenRecords();
 * const record = { time: "2026-01-02T03:04:05.000Z", message: "ready" };
 * seen.isNew(record); // true
 * seen.beginStream();
 * seen.isNew(record); // false: it is the same one
 * seen.isNew(record); // true: it is another that says the same
 * ```
 */
export class SeenRecords {
  #last = "";
  /** How many records say the same at the time of the last: of all streams, and of this one. */
  #seen = new Map<string, number>();
  #inStream = new Map<string, number>();

  /** The time of the newest record, RFC 3339; "" before the first. */
  get last(): string {
    return this.#last;
  }

  /** From now on records come from a stream that begins at {@link last}. */
  beginStream(): void {
    this.#inStream = new Map();
  }

  /** Takes note of a record; whether it was not seen before. */
  isNew(record: Pick<LogRecord, "time">): boolean {
    if (record.time < this.#last) return false;
    if (record.time > this.#last) {
      this.#last = record.time;
      this.#seen = new Map();
      this.#inStream = new Map();
    }
    const key = JSON.stringify(record);
    const nth = (this.#inStream.get(key) ?? 0) + 1;
    this.#inStream.set(key, nth);
    if (nth <= (this.#seen.get(key) ?? 0)) return false;
    this.#seen.set(key, nth);
    return true;
  }
}

/** The records that the broker keeps. */
export async function keptRecords(
  session: Session,
  wanted: Wanted,
  seen: SeenRecords,
): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  let full = true;
  while (full) {
    full = false;
    const stream = session.client.stream("TailLogs", request(wanted, seen));
    for await (const answer of stream) {
      for (const record of answer.records) {
        if (isFull(record)) full = true;
        else if (isNotice(record) || seen.isNew(record)) records.push(record);
      }
    }
  }
  return records;
}

/** The records that come, also from the broker's successors, until `signal` aborts. */
export async function* comingRecords(
  session: Session,
  wanted: Wanted,
  seen: SeenRecords,
  console: Pick<Console, "pause">,
  presence: Presence,
  signal: AbortSignal,
): AsyncGenerator<LogRecord, void, void> {
  while (!signal.aborted) {
    let full = false;
    try {
      const stream = session.client.stream(
        "TailLogs",
        { ...request(wanted, seen), follow: true },
        { signal },
      );
      for await (const answer of stream) {
        presence.answered();
        for (const record of answer.records) {
          if (isFull(record)) full = true;
          else if (isNotice(record) || seen.isNew(record)) yield record;
        }
      }
      if (!full) presence.lost();
    } catch (error) {
      if (signal.aborted) return;
      presence.failed(error);
    }
    if (!full) await console.pause(REST_MS, signal);
  }
}

function request(
  { filter, since }: Wanted,
  seen: SeenRecords,
): RequestOf<"TailLogs"> {
  seen.beginStream();
  const from = since === undefined ? "" : new Date(since).toISOString();
  return { filter, since: seen.last === "" ? from : seen.last };
}

/** Whether a record is about the stream itself. */
function isNotice({ component }: LogRecord): boolean {
  return component === "tail";
}

/** Whether it says that the stream has carried all that it may, and ends. */
function isFull(record: LogRecord): boolean {
  return isNotice(record) && "since" in JSON.parse(record.fields_json);
}
