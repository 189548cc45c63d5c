/**
 * `streamlib runtimes list`.
 *
 * @module
 */

import { formatAge } from "../text/ages.ts";
import type { Command } from "../command.ts";
import { ENDPOINT, JSON_OUTPUT } from "../options.ts";
import { listRuntimes, RUNTIME_FIELDS, STATUS_STYLES } from "../runtimes.ts";
import type { Cell, Column } from "../text/table.ts";

const COLUMNS: readonly Column[] = [
  { title: "NAME", least: 8 },
  { title: "PID", align: "right", importance: 2 },
  { title: "STATUS", importance: 2 },
  { title: "AGE", importance: 2 },
];

/** Lists the runtimes with their status. */
export const runtimesList: Command = {
  path: ["runtimes", "list"],
  summary: "Lists the runtimes, and whether each is alive.",
  details: [
    "STATUS is `alive` if the kernel reports that the runtime runs or if it has a connection that has not ended. It is `dead` if `streamlib runtimes prune` would remove it. Otherwise it is `unknown`: the runtime registered over gRPC, so the broker cannot tell.",
  ],
  options: [JSON_OUTPUT, ENDPOINT],
  json: { form: "an array of objects", fields: RUNTIME_FIELDS },
  needs: ["ffi"],
  examples: ["runtimes list", "runtimes list --json"],
  run: (invocation) =>
    listRuntimes(invocation, COLUMNS, (row) => [
      row.name || row.runtime_id,
      String(row.pid),
      statusCell(row.status),
      formatAge(row.age_secs),
    ]),
};

function statusCell(status: string): Cell {
  const style = STATUS_STYLES[status];
  return { text: status, ...(style !== undefined && { style }) };
}
