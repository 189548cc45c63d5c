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
  readonly git_commit: string;
  readonly build_date: string;
  readonly protocol_version: number;
  readonly endpoint: string;
}

const FIELDS: Readonly<Record<keyof Status, string>> = {
  status: "`healthy`, or what else the broker says of itself",
  version: "the broker's release, as in 1.2.3",
  uptime_secs: "seconds since it started",
  runtime_count: "registered runtimes",
  connection_count: "connections that have not failed",
  ready_count: "those of them that are ready",
  pending_count: "those of them that are not ready yet",
  failed_count: "connections that failed or were closed within the last minute",
  git_commit: "the commit that it was built from, or `unknown`",
  build_date: "when it was built, RFC 3339, or `unknown`",
  protocol_version: "the version of the protocol that it speaks",
  endpoint: "the address that answered",
};

/** Whether the broker works, and what it has to do. */
export const brokerStatus: Command = {
  path: ["broker", "status"],
  summary: "Shows whether the broker works, and how much it has to do.",
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
  const [ready, failed] = [inState("ready"), inState("failed")];
  const status: Status = {
    status: health.status,
    version: version.version,
    uptime_secs: health.uptime_secs,
    runtime_count: runtimes.length,
    connection_count: connections.length - failed,
    ready_count: ready,
    pending_count: connections.length - failed - ready,
    failed_count: failed,
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
  const { ready_count, pending_count, failed_count } = status;
  const failed = failed_count === 0 ? "" : `, ${failed_count} failed`;
  return [
    `Broker: ${word} | Version: ${version}`,
    `Uptime: ${formatAge(status.uptime_secs)}`,
    `Runtimes: ${status.runtime_count}`,
    `Connections: ${ready_count} ready, ${pending_count} pending${failed}`,
  ];
}
