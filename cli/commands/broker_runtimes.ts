/**
 * `streamlib broker runtimes`.
 *
 * @module
 */

import { formatAge } from "../text/ages.ts";
import type { Command } from "../command.ts";
import { ENDPOINT, JSON_OUTPUT } from "../options.ts";
import { listRuntimes, RUNTIME_FIELDS } from "../runtimes.ts";
import type { Column } from "../text/table.ts";

const COLUMNS: readonly Column[] = [
  { title: "RUNTIME_ID", importance: 2 },
  { title: "NAME", least: 8 },
  { title: "PID", align: "right", importance: 3 },
  { title: "REGISTERED", importance: 3 },
];

/** Lists the registered runtimes. */
export const brokerRuntimes: Command = {
  path: ["broker", "runtimes"],
  summary: "Lists the registered runtimes, in the order of registration.",
  options: [JSON_OUTPUT, ENDPOINT],
  json: { form: "an array of objects", fields: RUNTIME_FIELDS },
  needs: ["ffi"],
  examples: ["broker runtimes", "broker runtimes --json"],
  run: (invocation) =>
    listRuntimes(invocation, COLUMNS, (row) => [
      row.runtime_id,
      row.name,
      String(row.pid),
      `${formatAge(row.age_secs)} ago`,
    ]),
};
