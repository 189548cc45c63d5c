/**
 * `streamlib broker status`.
 *
 * @module
 */

import { formatAge } from "../text/ages.ts";
import type { Command, Invocation } from "../command.ts";
import { writeJson, writeLines } from "../terminal/console.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { ENDPOINT, JSON_OUTPUT } from "../options.ts";
import { openSession } from "../session.ts";
import { styled } from "../text/style.ts";
import { escapeControls } from "../../proto/escape.ts";

interface Status {
  readonly status: string;
  readonly version: string;
  readonly uptime_secs: number;
  readonly runtime_count: number;
  readonly connection_count: number;
  readonly ready_count: number;
  readonly pending_count: number;
  readonly failed_count: number;
  readonly closed_count: number;
  readonly git_commit: string;
  readonly build_date: string;
  readonly protocol_version: number;
  readonly endpoint: string;
}

const FIELDS: Readonly<Record<keyof Status, string>> = {
  status: "`healthy`, or the state that the broker reports",
  version: "the version of the broker, such as 1.2.3",
  uptime_secs: "seconds since the broker started",
  runtime_count: "the number of registered runtimes",
  connection_count: "the number of connections that have not ended",
  ready_count: "the number of those that are ready",
  pending_count: "the number of those that are not ready yet",
  failed_count: "the number of connections that failed within the last minute",
  closed_count:
    "the number of connections that were closed within the last minute",
  git_commit: "the commit that the broker was built from, or `unknown`",
  build_date: "the time of the build, RFC 3339, or `unknown`",
  protocol_version: "the protocol version of the broker",
  endpoint: "the address of the broker",
};

/** Shows the state of the broker. */
export const brokerStatus: Command = {
  path: ["broker", "status"],
  summary:
    "Shows whether the broker is healthy, and counts runtimes and connections.",
  options: [JSON_OUTPUT, ENDPOINT],
  json: { form: "one object", fields: FIELDS },
  examples: ["broker status", "broker status --json"],
  run,
};

async function run(invocation: Invocation): Promise<ExitCode> {
  const { args, console: { out } } = invocation;
  using session = await openSession(invocation);
  const { client, version } = session;
  const [health, { runtimes }, { connections }] = await Promise.all([
    client.call("GetHealth", {}),
    client.call("ListRuntimes", {}),
    client.call("ListConnections", {}),
  ]);
  const inState = (state: string): number =>
    connections.filter(({ derived_state }) => derived_state === state).length;
  const [ready, failed, closed] = [
    inState("ready"),
    inState("failed"),
    inState("closed"),
  ];
  const open = connections.length - failed - closed;
  const status: Status = {
    status: health.status,
    version: version.version,
    uptime_secs: health.uptime_secs,
    runtime_count: runtimes.length,
    connection_count: open,
    ready_count: ready,
    pending_count: open - ready,
    failed_count: failed,
    closed_count: closed,
    git_commit: version.git_commit,
    build_date: version.build_date,
    protocol_version: version.protocol_version,
    endpoint: session.address,
  };
  if (args.has(JSON_OUTPUT)) writeJson(out, status);
  else writeLines(out, statusLines(status, health.healthy, out.colour));
  return health.healthy ? EXIT.done : EXIT.failed;
}

function statusLines(
  status: Status,
  healthy: boolean,
  colour: boolean,
): string[] {
  const word = styled(
    escapeControls(status.status),
    healthy ? "good" : "bad",
    colour,
  );
  const version = escapeControls(`${status.version} (${status.git_commit})`);
  const { ready_count, pending_count, failed_count, closed_count } = status;
  const failed = failed_count === 0 ? "" : `, ${failed_count} failed`;
  const closed = closed_count === 0 ? "" : `, ${closed_count} closed`;
  return [
    `Broker: ${word} | Version: ${version}`,
    `Uptime: ${formatAge(status.uptime_secs)}`,
    `Runtimes: ${status.runtime_count}`,
    `Connections: ${ready_count} ready, ${pending_count} pending${failed}${closed}`,
  ];
}
