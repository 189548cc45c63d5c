/**
 * `streamlib logs`.
 *
 * @module
 */

import type { RuntimeInfo } from "../../proto/broker_gen.ts";
import type { Command, Invocation } from "../command.ts";
import { say, writeJsonLine, writeLines } from "../terminal/console.ts";
import { CommandError, EXIT, type ExitCode } from "../exit.ts";
import { LogFileReader } from "../logs/file_lines.ts";
import { fileLine } from "../text/log_text.ts";
import {
  DEFAULT_LINES,
  ENDPOINT,
  FOLLOW,
  JSON_OUTPUT,
  LINES,
  SINCE,
  sinceAt,
} from "../options.ts";
import { matchRuntime, noSuchRuntime } from "../runtimes.ts";
import { openSession } from "../session.ts";

/** The log of a runtime. */
export const logs: Command = {
  path: ["logs"],
  summary: "Shows the log of a runtime, from the file that it registered.",
  details: [
    "With --follow the command goes on when the file is renamed and replaced, and when it is truncated.",
    "With --since the time of a line is that of its JSON record, or the time at its beginning. A line without a time belongs to the line before it.",
  ],
  operands: [{
    label: "RUNTIME",
    meaning: "the runtime's id, or its name",
  }],
  options: [FOLLOW, LINES, SINCE, JSON_OUTPUT, ENDPOINT],
  json: {
    form: "one object a line",
    fields: { line: "the line, as it is in the file" },
  },
  needs: ["ffi"],
  examples: ["logs studio-1 -n 20", "logs camera -f", "logs camera --since 1h"],
  run,
};

async function run(invocation: Invocation): Promise<ExitCode> {
  const { args, console } = invocation;
  const { out, err } = console;
  const since = sinceAt(args.get(SINCE), console.now());
  const last = args.get(LINES) ??
    (since === undefined ? DEFAULT_LINES : Infinity);
  const follows = args.has(FOLLOW);
  const show = (line: string): void =>
    args.has(JSON_OUTPUT)
      ? writeJsonLine(out, { line })
      : writeLines(out, [fileLine(line)]);
  using file = await LogFileReader.open(await findLog(invocation));
  const lines = await file.lines({ last, since }, follows);
  // Before the first line is shown: from then on a user may press Ctrl-C.
  using interruptible = follows ? console.interruptible() : undefined;
  lines.forEach(show);
  if (interruptible === undefined) return EXIT.done;
  for await (const event of file.coming(console, interruptible.signal)) {
    if ("line" in event) show(event.line);
    else say(err, event.words);
  }
  return EXIT.done;
}

async function findLog(invocation: Invocation): Promise<string> {
  using session = await openSession(invocation);
  const query = invocation.args.operands[0]!;
  const { runtimes } = await session.client.call("ListRuntimes", {});
  const found = matchRuntime(runtimes, query);
  if (found === undefined) throw noSuchRuntime(query, runtimes);
  if (found.log_path !== "") return found.log_path;
  throw new CommandError(
    EXIT.notFound,
    `Cannot show the log of the runtime '${query}': it registered no log file; ${
      others(runtimes)
    }`,
    "streamlib runtimes list --json",
  );
}

/** The runtimes that have a log, as a phrase. */
function others(runtimes: readonly RuntimeInfo[]): string {
  const ids = runtimes.filter(({ log_path }) => log_path !== "")
    .map(({ runtime_id }) => runtime_id);
  return ids.length === 0
    ? "no runtime did"
    : `runtimes with a log file: ${ids.join(", ")}`;
}
