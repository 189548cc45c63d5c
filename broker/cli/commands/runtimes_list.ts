/**
 * `streamlib runtimes list`.
 *
 * @module
 */

import { formatAge } from "../ages.ts";
import type { Command, Invocation } from "../command.ts";
import { say, writeJson, writeLines } from "../console.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { ENDPOINT, JSON_OUTPUT } from "../options.ts";
import { RUNTIME_FIELDS, runtimeRow, STATUS_STYLES } from "../runtimes.ts";
import { openSession } from "../session.ts";
import { type Cell, type Column, tableLines } from "../table.ts";

const COLUMNS: readonly Column[] = [
  { title: "NAME", least: 8 },
  { title: "PID", align: "right", importance: 2 },
  { title: "STATUS", importance: 2 },
  { title: "AGE", importance: 2 },
];

/** The runtimes as processes. */
export const runtimesList: Command = {
  path: ["runtimes", "list"],
  summary: "Lists the runtimes with what is known of their lives.",
  details: [
    "STATUS is `alive` where the kernel says so or a connection lives, `dead` where `streamlib runtimes prune` would forget it, and else `unknown`: it registered over gRPC, and nobody vouches for it.",
  ],
  options: [JSON_OUTPUT, ENDPOINT],
  json: { form: "an array of objects", fields: RUNTIME_FIELDS },
  examples: ["runtimes list", "runtimes list --json"],
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
        rows.map(({ runtime_id, name, pid, status, age_secs }) => ({
          cells: [
            name || runtime_id,
            String(pid),
            statusCell(status),
            formatAge(age_secs),
          ],
        })),
        out,
      ),
    );
  }
  return EXIT.done;
}

function statusCell(status: string): Cell {
  const style = STATUS_STYLES[status];
  return { text: status, ...(style !== undefined && { style }) };
}
