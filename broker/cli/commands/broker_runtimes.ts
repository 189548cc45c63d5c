/**
 * `streamlib broker runtimes`.
 *
 * @module
 */

import { formatAge } from "../ages.ts";
import type { Command, Invocation } from "../command.ts";
import { say, writeJson, writeLines } from "../console.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { ENDPOINT, JSON_OUTPUT } from "../options.ts";
import { RUNTIME_FIELDS, runtimeRow } from "../runtimes.ts";
import { openSession } from "../session.ts";
import { type Column, tableLines } from "../table.ts";

const COLUMNS: readonly Column[] = [
  { title: "RUNTIME_ID", importance: 2 },
  { title: "NAME", least: 8 },
  { title: "PID", align: "right", importance: 3 },
  { title: "REGISTERED", importance: 3 },
];

/** The registered runtimes. */
export const brokerRuntimes: Command = {
  path: ["broker", "runtimes"],
  summary: "Lists the registered runtimes, in the order in which they came.",
  options: [JSON_OUTPUT, ENDPOINT],
  json: { form: "an array of objects", fields: RUNTIME_FIELDS },
  examples: ["broker runtimes", "broker runtimes --json"],
  run,
};

async function run(invocation: Invocation): Promise<ExitCode> {
  const { args, console } = invocation;
  const { out, err } = console;
  using session = await openSession(invocation);
  const { runtimes } = await session.client.call("ListRuntimes", {});
  const rows = runtimes.map((runtime) => runtimeRow(runtime, console.now()));
  if (args.has(JSON_OUTPUT)) writeJson(out, rows);
  else if (rows.length === 0) say(err, "No runtime is registered.");
  else {
    writeLines(
      out,
      tableLines(
        COLUMNS,
        rows.map(({ runtime_id, name, pid, age_secs }) => ({
          cells: [
            runtime_id,
            name,
            String(pid),
            `${formatAge(age_secs)} ago`,
          ],
        })),
        out,
      ),
    );
  }
  return EXIT.done;
}
