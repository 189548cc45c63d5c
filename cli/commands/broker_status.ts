/**
 * `streamlib broker status`.
 *
 * @module
 */

import type { GetHealthResponse, Quota } from "../../proto/broker_gen.ts";
import { formatAge } from "../text/ages.ts";
import type { Command, Invocation } from "../command.ts";
import { writeJson, writeLines } from "../terminal/console.ts";
import { CommandError, EXIT, type ExitCode } from "../exit.ts";
import { managerState } from "../manager_state.ts";
import { namesOf } from "../names_of.ts";
import { ENDPOINT, JSON_OUTPUT } from "../options.ts";
import { BootstrapError, isInstalled, openSession } from "../session.ts";
import { incidentsText, nearlyFull } from "../text/fullness.ts";
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
  readonly quotas: readonly Quota[];
  readonly refused_count: number;
  readonly silent_count: number;
  readonly over_budget_count: number;
  readonly malformed_count: number;
}

const FIELDS: Readonly<
  & Record<keyof Status, string>
  & { [field in keyof Quota as `quotas[].${field}`]: string }
> = {
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
  endpoint:
    "the address of the broker; in a bootstrap `xpc:` and the name of its service",
  quotas: "the broker's quotas, an array of objects",
  "quotas[].name": "what it counts, such as `connections`",
  "quotas[].used": "how much all processes have",
  "quotas[].limit": "how much all processes may have",
  "quotas[].process_limit": "how much one process may have",
  "quotas[].fullest_pid": "the process that has the most; 0 if none has any",
  "quotas[].fullest_used": "how much that process has",
  refused_count: "what was refused since the start because a quota was full",
  silent_count:
    "the connections that had said nothing useful and made room for others",
  over_budget_count:
    "the connections that were ended because of what they sent or did not read",
  malformed_count: "the malformed messages that were dropped",
};

/** Shows the state of the broker. */
export const brokerStatus: Command = {
  path: ["broker", "status"],
  summary:
    "Shows whether the broker is healthy, and counts runtimes and connections.",
  options: [JSON_OUTPUT, ENDPOINT],
  details: [
    "If an installed broker cannot be reached, it asks the service manager why, and shows the last lines that the broker wrote.",
  ],
  json: { form: "one object", fields: FIELDS },
  needs: ["run", "sys", "ffi"],
  examples: ["broker status", "broker status --json"],
  run,
};

async function run(invocation: Invocation): Promise<ExitCode> {
  const { args, console: { out } } = invocation;
  using session = await openSession(invocation)
    .catch((error) => explained(error, invocation));
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
    quotas: health.quotas,
    refused_count: health.refused_count,
    silent_count: health.silent_count,
    over_budget_count: health.over_budget_count,
    malformed_count: health.malformed_count,
  };
  if (args.has(JSON_OUTPUT)) writeJson(out, status);
  else writeLines(out, statusLines(status, health, out.colour));
  return health.healthy ? EXIT.done : EXIT.failed;
}

/** Adds what the service manager knows of an installed broker that cannot be reached. Always throws. */
async function explained(
  error: unknown,
  { args, console }: Invocation,
): Promise<never> {
  const unreachable = error instanceof CommandError &&
    !(error instanceof BootstrapError) && error.exit === EXIT.unreachable;
  if (!unreachable || args.get(ENDPOINT) !== undefined) throw error;
  const names = namesOf(console);
  const own = names.grpcAddress === `unix:${names.grpcSocket}`;
  const state = own && isInstalled(names)
    ? await managerState(names, console)
    : undefined;
  if (state === undefined) throw error;
  throw new CommandError(
    EXIT.unreachable,
    `${error.message}; ${state.why}`,
    state.mend,
    state.more,
  );
}

function statusLines(
  status: Status,
  health: GetHealthResponse,
  colour: boolean,
): string[] {
  const word = styled(
    escapeControls(status.status),
    health.healthy ? "good" : "bad",
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
    ...fullnessLines(health),
  ];
}

function fullnessLines(health: GetHealthResponse): string[] {
  const incidents = incidentsText(health);
  return [
    ...nearlyFull(health).map((text) => `Nearly full: ${text}`),
    ...(incidents ? [`Since the start: ${incidents}`] : []),
  ];
}
