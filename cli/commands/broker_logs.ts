/**
 * `streamlib broker logs`.
 *
 * @module
 */

import { LOG_LEVELS } from "../../broker/log/log_record.ts";
import type { Option } from "../option.ts";
import type { Command, Invocation } from "../command.ts";
import { say, writeJsonLine, writeLines } from "../terminal/console.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import type { LogEvent } from "../logs/log_records.ts";
import { recordReader } from "../logs/record_reader.ts";
import {
  lostLine,
  RECORD_FIELDS,
  recordLine,
  recordRow,
} from "../text/log_text.ts";
import {
  DEFAULT_LINES,
  ENDPOINT,
  FOLLOW,
  JSON_OUTPUT,
  LINES,
  SINCE,
  sinceAt,
} from "../options.ts";
import { Presence } from "../presence.ts";
import { openSession } from "../session.ts";

const LEVEL: Option<string> = {
  name: "level",
  value: { label: "L", choices: LOG_LEVELS, read: (text) => text },
  meaning: "only records of this level and of more important ones",
};

/** The broker's log. */
export const brokerLogs: Command = {
  path: ["broker", "logs"],
  summary: "Shows the broker's log records, the oldest first.",
  details: [
    "The records come from the running broker, which keeps the last ones; no file is read. With --follow the command goes on after a restart of the broker.",
  ],
  options: [FOLLOW, LINES, SINCE, LEVEL, JSON_OUTPUT, ENDPOINT],
  json: { form: "one object a line", fields: RECORD_FIELDS },
  needs: ["ffi"],
  examples: [
    "broker logs -n 20",
    "broker logs --since 5m --level warn",
    "broker logs -f --json",
  ],
  run,
};

async function run(invocation: Invocation): Promise<ExitCode> {
  const { args, console } = invocation;
  const { out, err } = console;
  const level = args.get(LEVEL);
  const wanted = {
    filter: level === undefined ? "" : `level=${level}`,
    since: sinceAt(args.get(SINCE), console.now()),
  };
  const last = args.get(LINES) ??
    (wanted.since === undefined ? DEFAULT_LINES : Infinity);
  const show = (event: LogEvent): void => {
    if ("lost" in event) say(err, lostLine(event.lost));
    else if (args.has(JSON_OUTPUT)) {
      writeJsonLine(out, recordRow(event.record));
    } else writeLines(out, [recordLine(event.record, out.colour)]);
  };
  using session = await openSession(invocation);
  const reader = recordReader(session, wanted);
  const kept = await reader.kept();
  // Before the first record is shown: from then on a user may press Ctrl-C.
  using interruptible = args.has(FOLLOW) ? console.interruptible() : undefined;
  kept.slice(Math.max(0, kept.length - last)).forEach(show);
  if (interruptible === undefined) return EXIT.done;
  const { signal } = interruptible;
  const presence = new Presence(session, (words) => say(err, words));
  for await (const event of reader.coming(console, presence, signal)) {
    show(event);
  }
  return EXIT.done;
}
