/** What a frame of 1080p uses once everything is made: descriptors, mappings, copies, heap. */

import { DICTIONARY, LANE, type Way } from "../bridge/ways.ts";
import {
  type Extent,
  type Group,
  NotHere,
  stateless,
  type SubjectPlan,
} from "../harness/subject.ts";
import { Program } from "../program.ts";
import type { SteadyState } from "../programs/steady_state.ts";

/** Frames there and back. */
const COUNT: Readonly<Record<Extent, number>> = { full: 20_000, quick: 2_000 };

const COUNTERS: readonly (readonly [keyof SteadyState, string])[] = [
  ["descriptors", "descriptors per frame"],
  ["maps", "mappings per frame"],
  ["copied", "bytes copied per frame"],
  ["heap", "bytes of heap per frame"],
];

/** Runs the program once for all its counters. */
async function count(
  way: Way,
  extent: Extent,
): Promise<SteadyState | NotHere> {
  if (Deno.build.os !== "linux") {
    return new NotHere("descriptors and mappings are counted in /proc");
  }
  await using program = Program.deno(
    "steady_state.ts",
    [way.name, COUNT[extent]],
  );
  const said = JSON.parse(await program.line());
  await program.finish();
  return "reason" in said ? new NotHere(said.reason) : said;
}

function plans(way: Way): SubjectPlan[] {
  let counted: ReturnType<typeof count> | undefined;
  return COUNTERS.map(([key, what]) => ({
    name: `${what}, bridge, ${way.name}`,
    unit: key === "copied" || key === "heap" ? "B" : "count",
    start: async (extent) => {
      const state = await (counted ??= count(way, extent));
      if (state instanceof NotHere) return state;
      return stateless(() => Promise.resolve({ samples: [state[key]] }));
    },
  }));
}

/** The group. It is made anew for each run, because its subjects share one count. */
export function steadyState(): Group {
  return {
    name: "steady state",
    rounds: { full: 1, quick: 1 },
    plans: [...plans(LANE), ...plans(DICTIONARY)],
  };
}
