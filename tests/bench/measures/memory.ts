/** The memory of a client that has carried frames. */

import type { Language } from "../bridge/clients.ts";
import { SampleTrips } from "../bridge/sample_trips.ts";
import { LANE } from "../bridge/ways.ts";
import { proportionalKib } from "../harness/processes.ts";
import {
  type Group,
  NotHere,
  type Subject,
  type SubjectPlan,
} from "../harness/subject.ts";

/** Round trips before the memory is read. */
const TRIPS = 1_000;

function memory(language: Language): SubjectPlan {
  return {
    name: `memory of a client, ${language}`,
    unit: "KiB",
    start: async (): Promise<Subject | NotHere> => {
      if (Deno.build.os !== "linux") {
        return new NotHere("memory is counted in /proc");
      }
      const trips = await SampleTrips.start(LANE, { count: TRIPS, language });
      if (trips instanceof NotHere) return trips;
      return {
        round: () =>
          Promise.resolve({ samples: [proportionalKib(trips.host.clientPid)] }),
        [Symbol.asyncDispose]: () => trips[Symbol.asyncDispose](),
      };
    },
  };
}

/** The group. */
export const memoryOfClients: Group = {
  name: "memory of clients",
  rounds: { full: 1, quick: 1 },
  plans: [memory("TypeScript"), memory("Python")],
};
