/** The processor time of hosts, clients and brokers that have nothing to do. */

import { ContinuousHost } from "../../../host/mod.ts";
import { TICKS } from "../../fixtures/tick_port.ts";
import { HostProcess } from "../bridge/many_hosts.ts";
import { LANE, type Way } from "../bridge/ways.ts";
import { cpuNanoseconds } from "../harness/processes.ts";
import {
  type Extent,
  type Group,
  NotHere,
  type Round,
  type Subject,
  type SubjectPlan,
} from "../harness/subject.ts";

const CONNECTIONS = 100;
const IDLE_MS: Readonly<Record<Extent, number>> = {
  full: 10_000,
  quick: 3_000,
};

/** The percentage of one core that processes use together for a while. */
async function usedBy(pids: readonly number[], ms: number): Promise<Round> {
  const used = (): number =>
    pids.reduce((sum, pid) => sum + cpuNanoseconds(pid), 0);
  const [before, began] = [used(), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, ms));
  const ns = used() - before;
  return { samples: [100 * ns / (1e6 * (performance.now() - began))] };
}

/** Connections that have been used and are idle; all processes of hosts, clients and broker together. */
function connections(way: Way): SubjectPlan {
  return {
    name: `${CONNECTIONS} idle connections, ${way.name}`,
    unit: "%",
    extent: "full",
    start: async (extent): Promise<Subject | NotHere> => {
      const hosts = await HostProcess.start(way, CONNECTIONS);
      if (hosts instanceof NotHere) return hosts;
      return {
        round: () => usedBy(hosts.pids, IDLE_MS[extent]),
        [Symbol.asyncDispose]: () => hosts[Symbol.asyncDispose](),
      };
    },
  };
}

/** A host and a client that look for work every 16 ms. This process is the host, so it uses a little more. */
const continuous: SubjectPlan = {
  name: "idle continuous host and client",
  unit: "%",
  start: async (extent): Promise<Subject | NotHere> => {
    if (Deno.build.os !== "linux") {
      return new NotHere("processor time is counted in /proc");
    }
    const host = ContinuousHost.launch({
      module: new URL("../../fixtures/continuous_count.ts", import.meta.url),
      inputs: { questions: TICKS },
      outputs: { ticks: TICKS },
    });
    const stop = new AbortController();
    const loop = host.ready.then(() =>
      host.run(() => {}, { signal: stop.signal })
    );
    await host.ready;
    return {
      round: () => usedBy([Deno.pid, host.clientPid], IDLE_MS[extent]),
      async [Symbol.asyncDispose]() {
        stop.abort();
        await loop;
        await host.close();
      },
    };
  },
};

/** The group. */
export const idle: Group = {
  name: "idle",
  rounds: { full: 3, quick: 1 },
  plans: [connections(LANE), continuous],
};
