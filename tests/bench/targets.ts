/**
 * The target table: a row for each target, in the order of the report. What has no
 * row here is stated without one.
 */

import type { Target } from "./harness/target.ts";

const SYNC = "bridge, lane, recvSync";
const NEXT = "bridge, lane, await next()";
const SOCKETS = ["C, SEQPACKET, two cores", "C, SEQPACKET, one core"];
const SOCKET = "C, SEQPACKET, best placement";
const EMPTY = "empty Deno, start to end";
const WAKE_SOCKETS = SOCKETS.map((name) => `wake, ${name}`);

/** A client in Python against one in TypeScript: no target. */
const PYTHON: readonly Target[] = [
  {
    measure: "client in Python: round trip, 64 bytes",
    subject: "bridge, lane, client in Python",
    controls: [NEXT],
  },
  {
    measure: "client in Python: dictionaries, round trip, 64 bytes",
    subject: "bridge, dictionary, client in Python",
    controls: ["bridge, dictionary, await next()"],
  },
  {
    measure: "client in Python: 1080p frames per second",
    subject: "1080p per second, bridge, lane, client in Python",
    controls: ["1080p per second, bridge, lane"],
  },
  ...["cold", "warm"].map((how): Target => ({
    measure: `client in Python: launch to ready, ${how}`,
    subject: `launch to ready, client in Python, ${how}, lane`,
    controls: [`launch to ready, ${how}, lane`],
  })),
  {
    measure: "client in Python: memory",
    subject: "memory of a client, Python",
    controls: ["memory of a client, TypeScript"],
  },
];

/** The rows. */
export const TARGETS: readonly Target[] = [
  {
    measure: "round trip, 64 bytes, recvSync",
    subject: SYNC,
    controls: ["C, shared memory"],
    wanted: { most: 4 },
  },
  {
    measure: "round trip, 64 bytes, recvSync",
    subject: SYNC,
    controls: ["iceoryx2, busy"],
    wanted: { most: 1 },
  },
  {
    measure: "round trip, 64 bytes, recvSync",
    subject: SYNC,
    controls: SOCKETS,
    control: SOCKET,
    wanted: { most: 0.25 },
  },
  {
    measure: "round trip, 64 bytes, recvSync",
    subject: SYNC,
    controls: ["Deno Unix stream"],
    wanted: { most: 0.05 },
  },
  {
    measure: "round trip, 64 bytes, await next()",
    subject: NEXT,
    controls: [SYNC],
    wanted: { most: 2 },
  },
  {
    measure: "round trip, 64 bytes, recvSync, p99",
    subject: SYNC,
    statistic: "p99",
    controls: SOCKETS,
    control: SOCKET,
    wanted: { most: 1 },
  },
  {
    measure: "wake at 60 Hz, event loop",
    subject: "wake, bridge, lane, event loop",
    controls: WAKE_SOCKETS,
    control: SOCKET,
    wanted: { most: 6 },
  },
  {
    measure: "wake at 60 Hz, recvSync",
    subject: "wake, bridge, lane, recvSync",
    controls: WAKE_SOCKETS,
    control: SOCKET,
    wanted: { most: 3 },
  },
  {
    measure: "waiting awake, with pauses",
    subject: "paced, bridge, lane",
    controls: ["paced, bridge, lane, bell only"],
    wanted: { most: 1.3 },
  },
  {
    measure: "waiting awake, all cores busy",
    subject: "busy, bridge, lane",
    controls: ["busy, bridge, lane, bell only"],
    wanted: { most: 2 },
  },
  {
    measure: "frames of 64 bytes per second",
    subject: "stream, bridge, lane",
    controls: SOCKETS.map((name) => `stream, ${name}`),
    control: SOCKET,
    wanted: { least: 20 },
  },
  {
    measure: "hand-over of 1080p",
    subject: "hand-over of 1080p, bridge, lane",
    controls: ["C, memcpy of 1080p"],
    wanted: { most: 1 / 200 },
  },
  {
    measure: "hand-over of 4K",
    subject: "hand-over of 4K, bridge, lane",
    controls: ["hand-over of 4 KB, bridge, lane"],
    wanted: { most: 1.1 },
  },
  {
    measure: "1080p frames per second",
    subject: "1080p per second, bridge, lane",
    controls: ["1080p per second, Deno Unix stream"],
    wanted: { least: 300 },
  },
  {
    measure: "1080p frames per second, bell only",
    subject: "1080p per second, bridge, lane, bell only",
    controls: ["1080p per second, Deno Unix stream"],
  },
  {
    measure: "the demo's filter on 1080p",
    subject: "filter, bridge, lane",
    controls: ["filter, in-process"],
    wanted: { least: 0.95 },
  },
  ...[
    ["descriptors per frame", 0],
    ["mappings per frame", 0],
    ["bytes copied per frame", 0],
    // Less than the smallest object.
    ["bytes of heap per frame", 15],
  ].map(([what, most]): Target => ({
    measure: `steady state, ${what}`,
    subject: `${what}, bridge, lane`,
    wanted: { most: Number(most) },
  })),
  {
    measure: "dictionaries: round trip, 64 bytes",
    subject: "bridge, dictionary, await next()",
    controls: ["Deno Unix stream"],
    wanted: { most: 4 },
  },
  {
    measure: "launch to ready, warm",
    subject: "launch to ready, warm, lane",
    controls: [EMPTY],
    comparison: "difference",
    wanted: { most: 15 },
  },
  {
    measure: "launch to ready, cold",
    subject: "launch to ready, cold, lane",
    controls: [EMPTY],
    comparison: "difference",
    wanted: { most: 40 },
  },
  {
    measure: "client's modules",
    subject: "client's modules, start to end",
    controls: [EMPTY],
    comparison: "difference",
    wanted: { most: 10 },
  },
  {
    measure: "broker: allocate and close, 10,000 pending",
    subject: "allocate and close, 10000 pending",
    controls: ["allocate and close, 1 pending"],
    wanted: { least: 0.9 },
  },
  {
    measure: "broker: allocate and close, 8,000 connected",
    subject: "allocate and close, 8000 connected",
    controls: ["allocate and close, 1 connected"],
    wanted: { least: 0.9 },
  },
  {
    measure: "broker's memory per idle connection",
    subject: "broker's memory per idle connection",
    wanted: { most: 20 },
  },
  {
    measure: "100 idle connections, processor time of all processes",
    subject: "100 idle connections, lane",
    wanted: { most: 0.5 },
  },
  {
    measure: "round trip, 200 hosts in one process",
    subject: "round trip in a process with 200 of 200 hosts, lane",
    controls: ["round trip in a process with 1 of 200 hosts, lane"],
    wanted: { most: 1.1 },
  },
  ...["big messages", "unread replies", "PING flood", "quota flood"].map((
    attack,
  ): Target => ({
    measure: `broker under attack, ${attack}`,
    subject: `bystander's call, ${attack}`,
    controls: ["bystander's call, quiet"],
    wanted: { most: 10 },
  })),
  ...PYTHON,
];
