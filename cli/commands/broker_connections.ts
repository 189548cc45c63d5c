/**
 * `streamlib broker connections`.
 *
 * @module
 */

import type { ConnectionInfo } from "../../proto/broker_gen.ts";
import { formatAge } from "../text/ages.ts";
import type { Option } from "../option.ts";
import type { Command, Invocation } from "../command.ts";
import {
  type Output,
  say,
  writeJson,
  writeJsonLine,
  writeLines,
} from "../terminal/console.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { escapeControls } from "../../proto/escape.ts";
import { LiveScreen } from "../terminal/live_screen.ts";
import { ENDPOINT, JSON_OUTPUT, RUNTIME } from "../options.ts";
import { Presence } from "../presence.ts";
import { runtimeId } from "../runtimes.ts";
import { openSession, type Session } from "../session.ts";
import { pathText, stateStyle, whyNotReady } from "../text/states.ts";
import {
  processorNote,
  settingsOf,
  type ShownSettings,
} from "../text/processor_notes.ts";
import { type Column, tableLines } from "../text/table.ts";

const POLL_MS = 500;

const WATCH: Option<boolean> = {
  name: "watch",
  short: "w",
  meaning: "show every change as it happens, until Ctrl-C",
};

interface ConnectionRow {
  readonly connection_id: string;
  readonly runtime_id: string;
  readonly processor_id: string;
  readonly host_state: string;
  readonly client_state: string;
  readonly derived_state: string;
  readonly path: string;
  readonly age_secs: number;
  readonly why: string;
  readonly dropped_frames: number;
  readonly hangs: number;
  readonly settings: ShownSettings;
}

const FIELDS: Readonly<Record<keyof ConnectionRow, string>> = {
  connection_id: "the id of the connection",
  runtime_id: "the runtime that hosts it",
  processor_id: "the processor in the client process",
  host_state: "`pending`, `alive`, `xpc_ready`, `acked` or `failed`",
  client_state:
    "`pending`, `alive`, `waiting_for_endpoint`, `xpc_endpoint_received`, `acked` or `failed`",
  derived_state:
    "`ready`, `failed`, `closed`, or what the connection waits for (docs/troubleshooting.md lists the states)",
  path:
    "`lane` or `dictionary`: what carries the frames (docs/protocol.md); empty until a side has reported it",
  age_secs: "seconds since the connection was allocated",
  why: "why the connection is not ready, in words; empty if it is ready",
  dropped_frames: "frames dropped so far, by host and client",
  hangs:
    "the clients before this one that the host has ended because they hung",
  settings:
    "the values of the processor's settings, by name, an object; of many settings only the first",
};

const COLUMNS: readonly Column[] = [
  { title: "CONNECTION", least: 9 },
  { title: "RUNTIME", importance: 2 },
  { title: "PROCESSOR", importance: 2 },
  { title: "STATE", importance: 3 },
  { title: "PATH" },
  { title: "AGE", importance: 4 },
];

/** Lists the connections. */
export const brokerConnections: Command = {
  path: ["broker", "connections"],
  summary:
    "Lists the connections, oldest first, with the reason if one is not ready.",
  details: [
    "Below a connection are its processor's settings and the clients before it that hung.",
    "A failed or closed connection stays in the list for one minute, with the reason.",
    "PATH is what carries the frames: a lane, which is memory that both sides share, or dictionaries, one message for each frame, which is slower. It is `-` until a side has reported it, a second after the connection is ready.",
    "With --watch, a terminal shows the list and updates it. In a pipe, and with --json, one line is written for each connection, and another one each time its state changes.",
  ],
  options: [RUNTIME, WATCH, JSON_OUTPUT, ENDPOINT],
  json: {
    form: "an array of objects; with --watch, one object per line",
    fields: FIELDS,
  },
  needs: ["ffi"],
  examples: [
    "broker connections",
    "broker connections --runtime studio-1 --watch",
    "broker connections --json",
  ],
  run,
};

async function run(invocation: Invocation): Promise<ExitCode> {
  const { args, console: { out, err } } = invocation;
  using session = await openSession(invocation);
  const query = args.get(RUNTIME);
  const runtime = query === undefined ? "" : await runtimeId(session, query);
  if (args.has(WATCH)) return await watch(invocation, session, runtime);
  const connections = await list(session, runtime);
  if (args.has(JSON_OUTPUT)) writeJson(out, connections.map(rowOf));
  else if (connections.length === 0) say(err, "There is no connection.");
  else writeLines(out, table(connections, out));
  return EXIT.done;
}

/** Polls: the call that watches a connection requires its token. */
async function watch(
  { args, console }: Invocation,
  session: Session,
  runtime: string,
): Promise<ExitCode> {
  const { out, err } = console;
  using interruptible = console.interruptible();
  const { signal } = interruptible;
  const json = args.has(JSON_OUTPUT);
  using screen = out.terminal && !json ? new LiveScreen(out) : undefined;
  const presence = new Presence(
    session,
    (words) => screen ? screen.say(words) : say(err, words),
  );
  let states: ReadonlyMap<string, string> = new Map();
  while (!signal.aborted) {
    try {
      const connections = await list(session, runtime, signal);
      presence.answered();
      screen?.draw(() => table(connections, out));
      const before = states;
      states = new Map(
        connections.map((each) => [each.connection_id, each.derived_state]),
      );
      const changed = connections.filter((each) =>
        before.get(each.connection_id) !== each.derived_state
      );
      if (json) { for (const each of changed) writeJsonLine(out, rowOf(each)); }
      else if (!screen) writeLines(out, changed.map(changeLine));
    } catch (error) {
      if (signal.aborted) break;
      presence.failed(error);
    }
    await console.pause(POLL_MS, signal);
  }
  return EXIT.done;
}

async function list(
  { client }: Session,
  runtime_id: string,
  signal?: AbortSignal,
): Promise<readonly ConnectionInfo[]> {
  const request = { runtime_id };
  const { connections } = await client.call(
    "ListConnections",
    request,
    signal ? { signal } : {},
  );
  return connections;
}

function table(
  connections: readonly ConnectionInfo[],
  out: Output,
): string[] {
  const rows = connections.map((connection) => {
    const { derived_state } = connection;
    return {
      cells: [
        connection.connection_id,
        connection.runtime_id,
        connection.processor_id,
        { text: derived_state, style: stateStyle(derived_state) },
        pathText(connection.path),
        formatAge(connection.age_secs),
      ],
      note: noteOf(connection),
    };
  });
  return tableLines(COLUMNS, rows, out);
}

/** Why it is not ready, its settings, and the clients that hung. */
function noteOf(connection: ConnectionInfo): string {
  const settings = settingsOf(connection);
  const { hangs = 0 } = connection;
  return [whyNotReady(connection), processorNote({ settings, hangs })]
    .filter((part) => part !== "").join("; ");
}

function changeLine(connection: ConnectionInfo): string {
  const { connection_id, runtime_id, processor_id } = connection;
  const state = connection.derived_state;
  const age = formatAge(connection.age_secs);
  const why = whyNotReady(connection);
  return escapeControls(
    [connection_id, runtime_id, processor_id, state, age, why]
      .filter((part) => part !== "").join("  "),
  );
}

function rowOf(connection: ConnectionInfo): ConnectionRow {
  return {
    connection_id: connection.connection_id,
    runtime_id: connection.runtime_id,
    processor_id: connection.processor_id,
    host_state: connection.host_state,
    client_state: connection.client_state,
    derived_state: connection.derived_state,
    path: connection.path ?? "",
    age_secs: connection.age_secs,
    why: whyNotReady(connection),
    dropped_frames: connection.dropped_frames,
    hangs: connection.hangs ?? 0,
    settings: settingsOf(connection),
  };
}
