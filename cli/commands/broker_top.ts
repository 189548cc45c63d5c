/**
 * `streamlib broker top`.
 *
 * @module
 */

import type { ConnectionInfo } from "../../proto/broker_gen.ts";
import { escapeControls } from "../../proto/escape.ts";
import { formatLatency, formatMegabytes, formatRate } from "../text/amounts.ts";
import { type Option, ValueError } from "../option.ts";
import type { Command, Invocation } from "../command.ts";
import {
  type Output,
  say,
  writeJsonLine,
  writeLines,
} from "../terminal/console.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { LiveScreen } from "../terminal/live_screen.ts";
import { ENDPOINT, JSON_OUTPUT } from "../options.ts";
import { Presence } from "../presence.ts";
import { Rates } from "../rates.ts";
import { openSession, type Session } from "../session.ts";
import { isOver, pathText, stateStyle } from "../text/states.ts";
import { incidentsText, nearlyFull } from "../text/fullness.ts";
import {
  processorNote,
  settingsOf,
  type ShownSettings,
} from "../text/processor_notes.ts";
import { type Column, tableLines } from "../text/table.ts";

const DEFAULT_INTERVAL_SECS = 2;
const MAX_INTERVAL_SECS = 3600;

const INTERVAL: Option<number> = {
  name: "interval",
  value: {
    label: "SECS",
    read: (text) => {
      const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
      if (seconds >= 0.1 && seconds <= MAX_INTERVAL_SECS) return seconds;
      throw new ValueError(`seconds from 0.1 to ${MAX_INTERVAL_SECS}`);
    },
  },
  meaning:
    `seconds between updates (default: ${DEFAULT_INTERVAL_SECS}); hosts and clients report once a second, if something has changed`,
};

const ONCE: Option<boolean> = {
  name: "once",
  meaning: "measure for one interval, show the result and end",
};

interface TrafficRow {
  readonly connection_id: string;
  readonly runtime_id: string;
  readonly processor_id: string;
  readonly derived_state: string;
  readonly path: string;
  readonly frames_per_sec: number;
  readonly bytes_per_sec: number;
  readonly dropped_frames: number;
  readonly host_dropped_frames: number;
  readonly client_dropped_frames: number;
  readonly hangs: number;
  readonly settings: ShownSettings;
  readonly p50_us: number;
  readonly p99_us: number;
}

interface Traffic {
  readonly at_unix_ms: number;
  readonly ready_count: number;
  readonly pending_count: number;
  readonly frames_per_sec: number;
  readonly bytes_per_sec: number;
  readonly dropped_frames: number;
  readonly nearly_full: readonly string[];
  readonly incidents: string;
  readonly connections: readonly TrafficRow[];
}

const FIELDS: Readonly<
  & Record<keyof Traffic, string>
  & {
    [field in keyof TrafficRow as `connections[].${field}`]: string;
  }
> = {
  at_unix_ms: "the time of the update, in epoch milliseconds",
  ready_count: "the number of connections that are ready",
  pending_count: "the number of connections that are not ready yet",
  frames_per_sec: "frames per second, received by all hosts and clients",
  bytes_per_sec: "bytes per second, received by all hosts and clients",
  dropped_frames: "frames dropped so far, in all connections",
  nearly_full: "the broker's quotas that are nearly full, as text, an array",
  incidents:
    "what the broker has refused and ended since its start, as text; empty if nothing",
  connections: "the connections that have not ended, an array of objects",
  "connections[].connection_id": "the id of the connection",
  "connections[].runtime_id": "the runtime that hosts it",
  "connections[].processor_id": "the processor in the client process",
  "connections[].derived_state": "`ready`, or what the connection waits for",
  "connections[].path":
    "`lane` or `dictionary`: what carries the frames (docs/protocol.md); empty until a side has reported it",
  "connections[].frames_per_sec":
    "frames per second, received by host and client, averaged over five seconds or over the interval if that is longer",
  "connections[].bytes_per_sec": "bytes per second, likewise",
  "connections[].dropped_frames": "frames dropped so far",
  "connections[].host_dropped_frames": "those that the host has dropped",
  "connections[].client_dropped_frames": "those that the client has dropped",
  "connections[].hangs":
    "the clients before this one that the host has ended because they hung",
  "connections[].settings":
    "the values of the processor's settings, by name, an object; of many settings only the first",
  "connections[].p50_us":
    "median latency: microseconds from sending a frame to its release by the receiver, in the slower direction; 0 if unknown",
  "connections[].p99_us": "99th percentile of the latency, likewise",
};

const COLUMNS: readonly Column[] = [
  { title: "CONNECTION", importance: 2, least: 6 },
  { title: "RUNTIME" },
  { title: "PROCESSOR", importance: 4, least: 5 },
  { title: "STATE", importance: 3, least: 5 },
  { title: "PATH" },
  { title: "FRAMES/S", align: "right", importance: 5 },
  { title: "MB/S", align: "right", importance: 5 },
  { title: "DROPS", align: "right", importance: 5 },
  { title: "P50", align: "right", importance: 5 },
  { title: "P99", align: "right", importance: 5 },
];

/** Shows the traffic of the connections. */
export const brokerTop: Command = {
  path: ["broker", "top"],
  summary:
    "Shows the live traffic of the connections: frames, megabytes, drops, latency.",
  details: [
    "PATH is what carries the frames: a lane, which is memory that both sides share, or dictionaries, one message for each frame, which is slower. FRAMES/S and MB/S count what host and client receive, averaged over the last five seconds. DROPS is the total since the start, of the host and of the client. Settings are below the line of their connection, and so are clients that hung before. P50 and P99 are the latency in the slower direction: the time from sending a frame to its release by the receiver.",
    "A terminal shows a table and updates it. In a pipe, one line is written for each connection and interval. Press Ctrl-C to end.",
  ],
  options: [ONCE, INTERVAL, JSON_OUTPUT, ENDPOINT],
  json: { form: "one object per interval, each on one line", fields: FIELDS },
  needs: ["ffi"],
  examples: [
    "broker top",
    "broker top --once",
    "broker top --json --interval 5",
  ],
  run,
};

async function run(invocation: Invocation): Promise<ExitCode> {
  const { args, console } = invocation;
  const { out, err } = console;
  const intervalMs = 1000 * (args.get(INTERVAL) ?? DEFAULT_INTERVAL_SECS);
  const once = args.has(ONCE);
  const json = args.has(JSON_OUTPUT);
  using session = await openSession(invocation);
  using interruptible = console.interruptible();
  const { signal } = interruptible;
  using screen = out.terminal && !json && !once
    ? new LiveScreen(out)
    : undefined;
  const presence = new Presence(
    session,
    (words) => screen ? screen.say(words) : say(err, words),
  );
  const rates = new Rates();
  for (let looks = 1; !signal.aborted; looks++) {
    try {
      const traffic = await look(session, rates, console.now(), signal);
      presence.answered();
      if (screen) {
        screen.draw(() => picture(traffic, out));
      } else if (looks > 1) { // the first has no earlier totals to compare with
        if (json) writeJsonLine(out, traffic);
        else if (once) writeLines(out, picture(traffic, out));
        else writeLines(out, plainLines(traffic));
        if (once) return EXIT.done;
      }
    } catch (error) {
      if (signal.aborted) break;
      if (once) throw error;
      presence.failed(error);
    }
    await console.pause(intervalMs, signal);
  }
  return EXIT.done;
}

async function look(
  { client }: Session,
  rates: Rates,
  now: number,
  signal: AbortSignal,
): Promise<Traffic> {
  const [{ connections }, health] = await Promise.all([
    client.call("ListConnections", {}, { signal }),
    client.call("GetHealth", {}, { signal }),
  ]);
  const live = connections.filter((each) => !isOver(each.derived_state));
  const current = rates.update(live, now);
  const rows = live.map((connection): TrafficRow => {
    const rate = current.get(connection.connection_id)!;
    return {
      connection_id: connection.connection_id,
      runtime_id: connection.runtime_id,
      processor_id: connection.processor_id,
      derived_state: connection.derived_state,
      path: connection.path ?? "",
      frames_per_sec: rounded(rate.frames),
      bytes_per_sec: rounded(rate.bytes),
      dropped_frames: connection.dropped_frames,
      host_dropped_frames: connection.host_dropped_frames ??
        connection.dropped_frames, // an older broker does not tell them apart
      client_dropped_frames: connection.client_dropped_frames ?? 0,
      hangs: connection.hangs ?? 0,
      settings: settingsOf(connection),
      p50_us: connection.p50_us,
      p99_us: connection.p99_us,
    };
  });
  const total = (
    count: "frames_per_sec" | "bytes_per_sec" | "dropped_frames",
  ): number => rounded(rows.reduce((sum, row) => sum + row[count], 0));
  const ready = live.filter(isReady).length;
  return {
    at_unix_ms: Math.floor(now),
    ready_count: ready,
    pending_count: live.length - ready,
    frames_per_sec: total("frames_per_sec"),
    bytes_per_sec: total("bytes_per_sec"),
    dropped_frames: total("dropped_frames"),
    nearly_full: nearlyFull(health),
    incidents: incidentsText(health),
    connections: rows,
  };
}

function isReady({ derived_state }: ConnectionInfo): boolean {
  return derived_state === "ready";
}

/** One decimal: the measurement is not more accurate. */
function rounded(rate: number): number {
  return Math.round(rate * 10) / 10;
}

function picture(traffic: Traffic, out: Output): string[] {
  const { ready_count, pending_count, frames_per_sec } = traffic;
  const heading = [
    `${ready_count} ready, ${pending_count} pending`,
    `${formatRate(frames_per_sec)} frames/s`,
    `${formatMegabytes(traffic.bytes_per_sec)} MB/s`,
    `${traffic.dropped_frames} dropped`,
  ].join(" | ");
  const rows = traffic.connections.map((row) => ({
    cells: [
      row.connection_id,
      row.runtime_id,
      row.processor_id,
      { text: row.derived_state, style: stateStyle(row.derived_state) },
      pathText(row.path),
      formatRate(row.frames_per_sec),
      formatMegabytes(row.bytes_per_sec),
      `${row.host_dropped_frames}+${row.client_dropped_frames}`,
      formatLatency(row.p50_us),
      formatLatency(row.p99_us),
    ],
    note: processorNote(row),
  }));
  return [
    heading,
    ...traffic.nearly_full.map((text) => `nearly full: ${text}`),
    ...(traffic.incidents ? [`broker: ${traffic.incidents}`] : []),
    ...tableLines(COLUMNS, rows, out),
  ];
}

function plainLines({ at_unix_ms, connections }: Traffic): string[] {
  const time = new Date(at_unix_ms).toISOString();
  if (connections.length === 0) return [`${time}  no connection`];
  return connections.map((row) =>
    escapeControls(
      [
        time,
        row.connection_id,
        row.runtime_id,
        row.processor_id,
        row.derived_state,
        pathText(row.path),
        `${formatRate(row.frames_per_sec)} frames/s`,
        `${formatMegabytes(row.bytes_per_sec)} MB/s`,
        `${row.host_dropped_frames}+${row.client_dropped_frames} dropped`,
        `p50 ${formatLatency(row.p50_us)}`,
        `p99 ${formatLatency(row.p99_us)}`,
        processorNote(row),
      ].filter((part) => part !== "").join("  "),
    )
  );
}
