/**
 * Reads the broker's log records, also across a restart of the broker.
 *
 * @module
 */

import type { LogRecord, TailLogsResponse } from "../../proto/broker_gen.ts";
import type { RequestOf } from "../../proto/wire/control.ts";
import type { Console } from "../terminal/console.ts";
import type { Presence } from "../presence.ts";
import type { GrpcClient } from "../../broker/grpc/grpc_client.ts";

const RETRY_MS = 1_000;

/** Which records to read. */
export interface Wanted {
  /** The `filter` of `TailLogs`. */
  readonly filter: string;
  /** The earliest time, milliseconds since the epoch; `undefined` for all records. */
  readonly since: number | undefined;
}

/**
 * Tells new records from those that were seen already. A stream goes on from the
 * time of the last record of the stream before it, so some records come twice.
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
  /** Equal records at the time {@link last}, counted: in all streams, and in this one. */
  #seen = new Map<string, number>();
  #inStream = new Map<string, number>();

  /** The time of the newest record, RFC 3339; "" before the first. */
  get last(): string {
    return this.#last;
  }

  /** Call it before the records of a stream that begins at {@link last}. */
  beginStream(): void {
    this.#inStream = new Map();
  }

  /** Remembers a record. Returns whether it is new. */
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

/** A record, or the number of records that the broker does not keep any more. */
export type LogEvent =
  | { readonly record: LogRecord }
  | { readonly lost: number };

/** Reads the records that the broker keeps. */
export async function keptRecords(
  client: Pick<GrpcClient, "stream">,
  wanted: Wanted,
  seen: SeenRecords,
): Promise<LogEvent[]> {
  const events: LogEvent[] = [];
  let resumes = true;
  while (resumes) {
    resumes = false;
    const stream = client.stream("TailLogs", request(wanted, seen));
    for await (const answer of stream) {
      events.push(...eventsIn(answer, seen));
      resumes = answer.resume_since !== "";
    }
  }
  return events;
}

/** Reads new records, also those of the next brokers at the address, until `signal` aborts. */
export async function* comingRecords(
  client: Pick<GrpcClient, "stream">,
  wanted: Wanted,
  seen: SeenRecords,
  console: Pick<Console, "pause">,
  presence: Presence,
  signal: AbortSignal,
): AsyncGenerator<LogEvent, void, void> {
  while (!signal.aborted) {
    let resumes = false;
    try {
      const stream = client.stream(
        "TailLogs",
        { ...request(wanted, seen), follow: true },
        { signal },
      );
      for await (const answer of stream) {
        presence.answered();
        yield* eventsIn(answer, seen);
        resumes = answer.resume_since !== "";
      }
      if (!resumes) presence.lost();
    } catch (error) {
      if (signal.aborted) return;
      presence.failed(error);
    }
    if (!resumes) await console.pause(RETRY_MS, signal);
  }
}

function request(
  wanted: Wanted,
  seen: SeenRecords,
): RequestOf<"TailLogs"> {
  seen.beginStream();
  const { filter } = wanted;
  return { filter, since: seen.last === "" ? sinceText(wanted) : seen.last };
}

/** The earliest time, as the broker's calls have it. */
export function sinceText({ since }: Wanted): string {
  return since === undefined ? "" : new Date(since).toISOString();
}

/** What is new in one message of a stream. */
function eventsIn(
  { records, lost }: TailLogsResponse,
  seen: SeenRecords,
): LogEvent[] {
  const unseen = records.filter((record) => seen.isNew(record))
    .map((record) => ({ record }));
  return lost > 0 ? [{ lost }, ...unseen] : unseen;
}
