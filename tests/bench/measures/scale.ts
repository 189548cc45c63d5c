/** Many hosts in one process: whether one connection is as fast as alone, and what each takes of memory. */

import { HostProcess } from "../bridge/many_hosts.ts";
import { LANE, type Way } from "../bridge/ways.ts";
import { proportionalKib, residentKib } from "../harness/processes.ts";
import { median } from "../harness/statistics.ts";
import {
  type Group,
  NotHere,
  stateless,
  type Subject,
  type SubjectPlan,
} from "../harness/subject.ts";

const HOSTS = 200;

function trips(way: Way, count: number): SubjectPlan {
  return {
    name:
      `round trip in a process with ${count} of ${HOSTS} hosts, ${way.name}`,
    unit: "us",
    extent: "full",
    start: (): Promise<Subject | NotHere> => HostProcess.start(way, count),
  };
}

/** KiB that each further host of a process takes: in that process, and in its client. */
function memory(way: Way, of: "host" | "client"): SubjectPlan {
  const FEW = 20;
  return {
    name: `${of}'s memory per connection, ${way.name}`,
    unit: "KiB",
    extent: "full",
    start: async (): Promise<Subject | NotHere> => {
      await using one = await start(way, 1);
      if (one.hosts instanceof NotHere) return one.hosts;
      await using few = await start(way, FEW);
      if (few.hosts instanceof NotHere) return few.hosts;
      const kib = of === "client"
        ? median(few.hosts.clients.map(proportionalKib))
        : (residentKib(few.hosts.pid) - residentKib(one.hosts.pid)) / (FEW - 1);
      return stateless(() => Promise.resolve({ samples: [kib] }));
    },
  };
}

/** A process with hosts, or why there is none, to be held by `using`. */
async function start(
  way: Way,
  count: number,
): Promise<AsyncDisposable & { readonly hosts: HostProcess | NotHere }> {
  const hosts = await HostProcess.start(way, count);
  return {
    hosts,
    async [Symbol.asyncDispose]() {
      if (!(hosts instanceof NotHere)) await hosts[Symbol.asyncDispose]();
    },
  };
}

/** The group. */
export const scale: Group = {
  name: "scale",
  rounds: { full: 5, quick: 1 },
  plans: [
    trips(LANE, 1),
    trips(LANE, HOSTS),
    memory(LANE, "host"),
    memory(LANE, "client"),
  ],
};
