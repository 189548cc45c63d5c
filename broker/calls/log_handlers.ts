/**
 * The calls that show the log.
 *
 * @module
 */

import type {
  LogRecord,
  ReadLogsResponse,
  TailLogsResponse,
} from "../../proto/broker_gen.ts";
import { BridgeError } from "../../proto/errors.ts";
import {
  LOG_ANSWER_LENGTH,
  MAX_LOG_BATCH,
  MAX_LOG_TAIL_LENGTH,
} from "../../proto/limits.ts";
import { logMessage } from "../log/log_record.ts";
import type { LogRing } from "../log/log_ring.ts";
import type { Shares } from "../registry/shares.ts";
import type { StreamHandlers, UnaryAnswers } from "./call_types.ts";
import { RequestFields } from "./fields.ts";
import { type LogFilter, readLogFilter } from "./log_filter.ts";

/** Makes the answer to `ReadLogs`. */
export function logAnswers(ring: LogRing): Pick<UnaryAnswers, "ReadLogs"> {
  return {
    ReadLogs: (_caller, fields) => {
      const filter = readLogFilter(fields);
      const asked = fields.number("next", Number.MAX_SAFE_INTEGER);
      return read(ring, filter, asked);
    },
  };
}

/**
 * Some of the records that are kept, from number `asked` on, the oldest first. For
 * the caller they are numbered from 1; 0 stands for the oldest. A number that is
 * none yet is of another broker, whose records are all unknown to the caller.
 */
function read(
  ring: LogRing,
  filter: LogFilter,
  asked: number,
): ReadLogsResponse {
  const known = asked > 0 && asked - 1 <= ring.end;
  const from = known ? asked - 1 : ring.first;
  const lost = Math.max(0, ring.first - from);
  const records: LogRecord[] = [];
  let next = from + lost;
  for (
    let length = 0;
    next < ring.end && records.length < MAX_LOG_BATCH &&
    length < LOG_ANSWER_LENGTH;
    next++
  ) {
    const entry = ring.at(next)!;
    if (!filter(entry)) continue;
    records.push(logMessage(entry));
    length += ring.lengthAt(next);
  }
  return { records, lost, next: next + 1, more: next < ring.end };
}

/** Makes the handler of `TailLogs`. */
export function logHandlers(
  ring: LogRing,
  tails: Shares,
): Pick<StreamHandlers, "TailLogs"> {
  return {
    async *TailLogs(caller, request): AsyncGenerator<TailLogsResponse> {
      const fields = new RequestFields("TailLogs", request);
      const filter = readLogFilter(fields);
      const follow = fields.flag("follow");
      const full = tails.refusal(caller.process);
      if (full !== undefined) {
        throw new BridgeError("not_permitted", `Cannot TailLogs: ${full}`);
      }
      tails.charge(caller.process);
      try {
        yield* tail(ring, filter, follow, caller.signal);
      } finally {
        tails.discharge(caller.process);
      }
    },
  };
}

/**
 * The records that are kept, the oldest first, and with `follow` new ones.
 *
 * A reader that is slower than the log misses the oldest records, and gets their
 * number. The carrier cannot detect a reader that does not read: Deno's node:http2
 * reports every write as done, even if the peer's window is full. So a stream has
 * a maximum length, which also limits its queue; its last response has the time
 * from which the next stream continues.
 */
async function* tail(
  ring: LogRing,
  filter: LogFilter,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<TailLogsResponse> {
  let wake = (): void => {};
  using _subscription = ring.subscribe(() => wake());
  const abort = (): void => wake();
  signal.addEventListener("abort", abort);
  using _ = {
    [Symbol.dispose]: () => signal.removeEventListener("abort", abort),
  };
  const end = follow ? Infinity : ring.end;
  let carried = 0;
  for (let next = ring.first; next < end && !signal.aborted;) {
    const records: LogRecord[] = [];
    const lost = Math.max(0, Math.min(ring.first, end) - next);
    next += lost;
    const last = Math.min(end, ring.end);
    while (next < last && records.length < MAX_LOG_BATCH) {
      const number = next++;
      const entry = ring.at(number)!;
      if (!filter(entry)) continue;
      const record = logMessage(entry);
      records.push(record);
      carried += ring.lengthAt(number);
      if (carried >= MAX_LOG_TAIL_LENGTH) {
        return yield { records, lost, resume_since: record.time };
      }
    }
    if (records.length > 0 || lost > 0) {
      yield { records, lost, resume_since: "" };
    } else if (next < end) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (signal.aborted || next < ring.end) resolve();
      });
    }
  }
}
