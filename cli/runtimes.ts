/**
 * Lists runtimes, and finds the one that a user names.
 *
 * @module
 */

import type { RuntimeInfo } from "../proto/broker_gen.ts";
import type { Invocation } from "./command.ts";
import { say, writeJson, writeLines } from "./terminal/console.ts";
import { CommandError, EXIT, type ExitCode } from "./exit.ts";
import { JSON_OUTPUT } from "./options.ts";
import { openSession, type Session } from "./session.ts";
import type { Style } from "./text/style.ts";
import { type Cell, type Column, tableLines } from "./text/table.ts";

/** The number of runtimes that an error names. */
const MAX_NAMED = 10;

/** A runtime as `--json` writes it. */
export interface RuntimeRow {
  readonly runtime_id: string;
  readonly name: string;
  readonly pid: number;
  readonly status: string;
  readonly age_secs: number;
  readonly registered_at_unix_ms: number;
  readonly processor_count: number;
  readonly connection_count: number;
  readonly api_endpoint: string;
  readonly log_path: string;
}

/** The meaning of each field. */
export const RUNTIME_FIELDS: Readonly<Record<keyof RuntimeRow, string>> = {
  runtime_id: "the id that the runtime registered with",
  name: "its name, for people; it need not be unique",
  pid:
    "its process id: verified by the kernel over XPC, as claimed by the runtime over gRPC",
  status:
    "`alive`: the kernel reports that it runs, or it has a connection that has not ended; `dead`: `runtimes prune` would remove it; otherwise `unknown`",
  age_secs: "seconds since it registered",
  registered_at_unix_ms: "the time of the registration, in epoch milliseconds",
  processor_count: "the number of its bridged processors",
  connection_count: "the number of its connections that have not ended",
  api_endpoint: "the address of its API, or empty",
  log_path: "the path of its log file, or empty",
};

/** The style of each status. */
export const STATUS_STYLES: Readonly<Record<string, Style>> = {
  alive: "good",
  dead: "bad",
  unknown: "waiting",
};

/**
 * The row of a runtime.
 *
 * @param now the time in epoch milliseconds
 */
export function runtimeRow(runtime: RuntimeInfo, now: number): RuntimeRow {
  const { registered_at_unix_ms } = runtime;
  const age = Math.floor((now - registered_at_unix_ms) / 1000);
  return {
    runtime_id: runtime.runtime_id,
    name: runtime.name,
    pid: runtime.pid,
    status: runtime.status,
    age_secs: Math.max(0, age),
    registered_at_unix_ms,
    processor_count: runtime.processor_count,
    connection_count: runtime.connection_count,
    api_endpoint: runtime.api_endpoint,
    log_path: runtime.log_path,
  };
}

/**
 * Lists the registered runtimes.
 *
 * @param columns the columns of the table
 * @param cells returns the cells of a runtime
 */
export async function listRuntimes(
  invocation: Invocation,
  columns: readonly Column[],
  cells: (row: RuntimeRow) => readonly (string | Cell)[],
): Promise<ExitCode> {
  const { args, console } = invocation;
  const { out, err } = console;
  using session = await openSession(invocation);
  const { runtimes } = await session.client.call("ListRuntimes", {});
  const rows = runtimes.map((runtime) => runtimeRow(runtime, console.now()));
  if (args.has(JSON_OUTPUT)) writeJson(out, rows);
  else if (rows.length === 0) say(err, "No runtime is registered.");
  else {
    const lines = rows.map((row) => ({ cells: cells(row) }));
    writeLines(out, tableLines(columns, lines, out));
  }
  return EXIT.done;
}

/** The runtime with this id, or else with this name. Of several with the name: the last one to register that is not dead, or else the last one. */
export function matchRuntime(
  runtimes: readonly RuntimeInfo[],
  query: string,
): RuntimeInfo | undefined {
  const named = runtimes.filter(({ name }) => name === query);
  return runtimes.find(({ runtime_id }) => runtime_id === query) ??
    named.findLast(({ status }) => status !== "dead") ?? named.at(-1);
}

/**
 * The id of the runtime that a user names. The id of a runtime that never
 * registered is accepted if it has connections.
 *
 * @throws {CommandError} `notFound`; the message lists the known runtimes
 */
export async function runtimeId(
  { client }: Session,
  query: string,
): Promise<string> {
  const { runtimes } = await client.call("ListRuntimes", {});
  const found = matchRuntime(runtimes, query);
  if (found !== undefined) return found.runtime_id;
  const { connections } = await client.call("ListConnections", {
    runtime_id: query,
  });
  if (connections.length > 0) return query;
  throw noSuchRuntime(query, runtimes);
}

/** The error for a runtime that does not exist. */
export function noSuchRuntime(
  query: string,
  runtimes: readonly RuntimeInfo[],
): CommandError {
  const known = runtimes.slice(0, MAX_NAMED).map(({ runtime_id, name }) =>
    name === "" ? runtime_id : `${runtime_id} (${name})`
  );
  const more = runtimes.length - known.length;
  if (more > 0) known.push(`and ${more} more`);
  return new CommandError(
    EXIT.notFound,
    `Cannot find the runtime '${query}': the broker knows ${
      known.length === 0 ? "none" : known.join(", ")
    }`,
    "streamlib runtimes list",
  );
}
