/** All groups, in the order in which they are measured. */

import type { Group } from "./harness/subject.ts";
import { attacks } from "./measures/attacks.ts";
import { brokerCalls, brokerMemory } from "./measures/broker.ts";
import { filter } from "./measures/filter.ts";
import { idle } from "./measures/idle.ts";
import { memoryOfClients } from "./measures/memory.ts";
import { handOver, pictureRate } from "./measures/pictures.ts";
import { roundTrip } from "./measures/round_trip.ts";
import { scale } from "./measures/scale.ts";
import { spin } from "./measures/spin.ts";
import { start } from "./measures/start.ts";
import { steadyState } from "./measures/steady_state.ts";
import { stream } from "./measures/stream.ts";
import { wake } from "./measures/wake.ts";

/** Makes the groups of one run. */
export function groups(): readonly Group[] {
  return [
    roundTrip,
    wake,
    spin,
    stream,
    handOver,
    pictureRate,
    filter,
    steadyState(),
    start,
    memoryOfClients,
    idle,
    brokerCalls,
    brokerMemory,
    scale,
    attacks,
  ];
}
