/** What it costs, or gains, that a reader waits awake before it sleeps: with pauses, and while others use every core. */

import { SampleTrips } from "../bridge/sample_trips.ts";
import { BELL_ONLY, DICTIONARY, LANE, type Way } from "../bridge/ways.ts";
import { control } from "../controls.ts";
import {
  type Extent,
  type Group,
  NotHere,
  type Subject,
  type SubjectPlan,
} from "../harness/subject.ts";
import { Program } from "../program.ts";

const COUNT: Readonly<Record<Extent, number>> = { full: 500, quick: 200 };
/** Long enough for both sides to sleep. */
const PAUSE_MS = 1;

function paced(way: Way): SubjectPlan {
  return {
    name: `paced, bridge, ${way.name}`,
    unit: "us",
    start: (extent) =>
      SampleTrips.start(way, { count: COUNT[extent], pauseMs: PAUSE_MS }),
  };
}

/** Round trips while `busy` keeps every core busy. */
function busy(way: Way): SubjectPlan {
  return {
    name: `busy, bridge, ${way.name}`,
    unit: "us",
    extent: "full",
    start: async (extent): Promise<Subject | NotHere> => {
      const program = await control("busy");
      if (program instanceof NotHere) return program;
      const trips = await SampleTrips.start(way, { count: COUNT[extent] });
      if (trips instanceof NotHere) return trips;
      return {
        async round() {
          await using others = new Program(program, []);
          await others.line();
          const round = await trips.round();
          await others.finish();
          return round;
        },
        [Symbol.asyncDispose]: () => trips[Symbol.asyncDispose](),
      };
    },
  };
}

/** The group. */
export const spin: Group = {
  name: "spin",
  rounds: { full: 5, quick: 1 },
  plans: [
    paced(LANE),
    paced(BELL_ONLY),
    paced(DICTIONARY),
    busy(LANE),
    busy(BELL_ONLY),
    busy(DICTIONARY),
  ],
};
