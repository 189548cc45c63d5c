/**
 * Reads the broker's log records over the carrier of a session: as a stream over
 * gRPC, with one call after the other over XPC.
 *
 * @module
 */

import type { ControlClient } from "../../proto/wire/control.ts";
import type { Presence } from "../presence.ts";
import type { Session } from "../session.ts";
import type { Console } from "../terminal/console.ts";
import {
  comingRecords,
  keptRecords,
  type LogEvent,
  SeenRecords,
  sinceText,
  type Wanted,
} from "./log_records.ts";

/** The time between two calls that look for new records. */
const POLL_MS = 500;

/** Reads records: first those that are kept, then those that come. */
export interface RecordReader {
  /** The records that the broker keeps, oldest first. */
  kept(): Promise<LogEvent[]>;
  /** New records, until `signal` aborts. */
  coming(
    console: Pick<Console, "pause">,
    presence: Presence,
    signal: AbortSignal,
  ): AsyncGenerator<LogEvent, void, void>;
}

/** Returns the reader for a session. */
export function recordReader(session: Session, wanted: Wanted): RecordReader {
  const { client, streams } = session;
  if (streams === undefined) return new CallingReader(client, wanted);
  const seen = new SeenRecords();
  return {
    kept: () => keptRecords(streams, wanted, seen),
    coming: (console, presence, signal) =>
      comingRecords(streams, wanted, seen, console, presence, signal),
  };
}

/** Calls `ReadLogs`, each time from the record on that it has not seen. */
class CallingReader implements RecordReader {
  readonly #client: ControlClient;
  readonly #wanted: Wanted;
  #next = 0;

  constructor(client: ControlClient, wanted: Wanted) {
    this.#client = client;
    this.#wanted = wanted;
  }

  async kept(): Promise<LogEvent[]> {
    const events: LogEvent[] = [];
    for (;;) {
      const { found, more } = await this.#call({});
      events.push(...found);
      if (!more) return events;
    }
  }

  async *coming(
    console: Pick<Console, "pause">,
    presence: Presence,
    signal: AbortSignal,
  ): AsyncGenerator<LogEvent, void, void> {
    while (!signal.aborted) {
      let hasMore = false;
      try {
        const { found, more } = await this.#call({ signal });
        hasMore = more;
        presence.answered();
        yield* found;
      } catch (error) {
        if (signal.aborted) return;
        presence.failed(error);
      }
      if (!hasMore) await console.pause(POLL_MS, signal);
    }
  }

  async #call(
    options: { readonly signal?: AbortSignal },
  ): Promise<{ found: LogEvent[]; more: boolean }> {
    const { filter } = this.#wanted;
    const { records, lost, next, more } = await this.#client.call("ReadLogs", {
      filter,
      since: sinceText(this.#wanted),
      next: this.#next,
    }, options);
    this.#next = next;
    const found = records.map((record) => ({ record }));
    return { found: lost > 0 ? [{ lost }, ...found] : found, more };
  }
}
