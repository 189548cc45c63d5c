/**
 * The call that shows the log.
 *
 * @module
 */

import type { LogRecord, TailLogsResponse } from "../../proto/broker_gen.ts";
import { BridgeError } from "../../proto/errors.ts";
import { MAX_LOG_BATCH, MAX_LOG_TAIL_LENGTH } from "../../proto/limits.ts";
import { RequestFields } from "./fields.ts";
import type { StreamHandlers } from "./call_types.ts";
import { type LogFilter, readLogFilter } from "./log_filter.ts";
import type { LogRing } from "../log/log_ring.ts";

/** The handlers of this file. */
export type LogHandlers = Pick<StreamHandlers, "TailLogs">;

/** Makes the handler that shows the log. */
export function logHandlers(ring: LogRing): LogHandlers {
  return {
    async *TailLogs(caller, request): AsyncGenerator<TailLogsResponse> {
      const fields = new RequestFields("TailLogs", request);
      const filter = readLogFilter(fields);
      const follow = fields.flag("follow");
      yield* tail(ring, filter, follow, caller.signal);
    },
  };
}

/**
 * The records from the oldest that is kept, and with `follow` those that come.
 *
 * A reader that is slower than the log loses the oldest, and is told how many.
 * One that does not read at all may look to a carrier as if it did (Deno's
 * node:http2 takes every write for written, whatever the peer's window says):
 * so a stream has a length, after which it ends with a record that says where
 * to go on, and no more than that can be queued for it.
 */
async function* tail(
  ring: LogRing,
  filter: LogFilter,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<TailLogsResponse> {
  let wake = (): void => {};
  using subscription = ring.subscribe(() => wake());
  if (subscription === undefined) {
    throw new BridgeError(
      "not_permitted",
      "Cannot TailLogs: there are as many tails as may be; end one first",
    );
  }
  const abort = (): void => wake();
  signal.addEventListener("abort", abort);
  using _ = {
    [Symbol.dispose]: () => signal.removeEventListener("abort", abort),
  };
  const end = follow ? Infinity : ring.end;
  let carried = 0;
  for (let next = ring.first; next < end && !signal.aborted;) {
    const records: LogRecord[] = [];
    if (next < ring.first) {
      const lost = Math.min(ring.first, end) - next;
      const time = ring.at(ring.first)?.record.time ?? "";
      next += lost;
      records.push(
        notice(time, `${lost} records lost: read too slowly`, { lost }),
      );
    }
    const last = Math.min(end, ring.end);
    while (next < last && records.length < MAX_LOG_BATCH) {
      const kept = ring.at(next++)!;
      if (!filter(kept)) continue;
      records.push(kept.record);
      carried += kept.length;
      if (carried < MAX_LOG_TAIL_LENGTH) continue;
      const { time } = kept.record;
      records.push(
        notice(time, `this stream is full; go on with since=${time}`, {
          since: time,
        }),
      );
      return yield { records };
    }
    if (records.length > 0) yield { records };
    else if (next < end) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (signal.aborted || next < ring.end) resolve();
      });
    }
  }
}

/** A record that is about the stream itself. */
function notice(time: string, message: string, fields: object): LogRecord {
  return {
    time,
    level: "warn",
    component: "tail",
    connection_id: "",
    message,
    fields_json: JSON.stringify(fields),
  };
}
