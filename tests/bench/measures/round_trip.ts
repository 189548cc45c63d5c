/** Round trips of 64 bytes to another process, as fast as possible: the bridge, the controls in C and the peers. */

import { controlPlan } from "../controls.ts";
import { SampleTrips } from "../bridge/sample_trips.ts";
import { DICTIONARY, LANE, type Way } from "../bridge/ways.ts";
import type { Extent, Group, SubjectPlan } from "../harness/subject.ts";
import { bareTrips, leanTrips } from "../peers/bare_lane.ts";
import { grpcJs } from "../peers/grpc_js.ts";
import { iceoryx2 } from "../peers/iceoryx2.ts";
import { stdio } from "../peers/stdio.ts";
import { unixStream } from "../peers/unix_stream.ts";
import { webSocket } from "../peers/web_socket.ts";
import { worker } from "../peers/worker.ts";

const COUNT: Readonly<Record<Extent, number>> = { full: 2_000, quick: 500 };
/** What takes about a microsecond, is made this many times in a round, for a 99th percentile that means something. */
const HOT_COUNT: Readonly<Record<Extent, number>> = {
  full: 20_000,
  quick: 5_000,
};

function bridge(way: Way, isSync: boolean): SubjectPlan {
  const call = isSync ? "recvSync" : "await next()";
  return {
    name: `bridge, ${way.name}, ${call}`,
    unit: "us",
    start: (extent) =>
      SampleTrips.start(way, {
        count: (way === LANE ? HOT_COUNT : COUNT)[extent],
        isSync,
      }),
  };
}

/** The client is in Python; the host waits with `await next()`. */
function inPython(way: Way): SubjectPlan {
  return {
    name: `bridge, ${way.name}, client in Python`,
    unit: "us",
    start: (extent) =>
      SampleTrips.start(way, { count: COUNT[extent], language: "Python" }),
  };
}

/** The group. */
export const roundTrip: Group = {
  name: "round trip",
  rounds: { full: 7, quick: 3 },
  warmUpMs: { full: 5_000, quick: 1_000 },
  plans: [
    bridge(LANE, true),
    bridge(LANE, false),
    bridge(DICTIONARY, false),
    inPython(LANE),
    inPython(DICTIONARY),
    controlPlan(
      "C, shared memory",
      "us",
      "ping_pong",
      (extent) => ["shared", "apart", HOT_COUNT[extent]],
    ),
    controlPlan(
      "C, SEQPACKET, two cores",
      "us",
      "ping_pong",
      (extent) => ["socket", "apart", COUNT[extent]],
    ),
    controlPlan(
      "C, SEQPACKET, one core",
      "us",
      "ping_pong",
      (extent) => ["socket", "together", COUNT[extent]],
    ),
    bareTrips(HOT_COUNT),
    leanTrips(HOT_COUNT),
    iceoryx2(HOT_COUNT),
    unixStream(COUNT),
    stdio(COUNT),
    worker(COUNT),
    webSocket(COUNT),
    grpcJs(COUNT),
  ],
};
