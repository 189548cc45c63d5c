/** What a broker costs: its calls while others hold connections, and its memory for each of them. */

import { BenchBroker } from "../bridge/broker.ts";
import { control } from "../controls.ts";
import { descriptorLimit, residentKib } from "../harness/processes.ts";
import {
  type Extent,
  type Group,
  NotHere,
  type Round,
  stateless,
  type Subject,
  type SubjectPlan,
} from "../harness/subject.ts";
import { Program } from "../program.ts";

const PENDING = 10_000;
/** Connections of peers in C, each with an XPC connection to the broker. */
const PEERS = 8_000;
/** Descriptors that a broker and a process of peers need besides. */
const SPARE_DESCRIPTORS = 200;
const CALLS: Readonly<Record<Extent, number>> = { full: 500, quick: 200 };
/** The longest that all peers take to connect. */
const CONNECT_MS = 240_000;

/** Allocations per second, each closed before the next. */
async function callRate(broker: BenchBroker, count: number): Promise<Round> {
  const began = performance.now();
  for (let i = 0; i < count; i++) await broker.allocateAndClose();
  return { samples: [count / ((performance.now() - began) / 1000)] };
}

/** The rate of calls to a broker that was prepared. */
function callsAfter(
  name: string,
  extent: Extent,
  prepare: (
    broker: BenchBroker,
    held: AsyncDisposableStack,
  ) => Promise<NotHere | undefined>,
): SubjectPlan {
  return {
    name,
    unit: "1/s",
    extent,
    start: async (extent): Promise<Subject | NotHere> => {
      await using held = new AsyncDisposableStack();
      const broker = held.use(await BenchBroker.start());
      const why = await prepare(broker, held);
      if (why !== undefined) return why;
      await callRate(broker, CALLS[extent]);
      const resources = held.move();
      return {
        round: () => callRate(broker, CALLS[extent]),
        [Symbol.asyncDispose]: () => resources.disposeAsync(),
      };
    },
  };
}

function pending(count: number, extent: Extent): SubjectPlan {
  return callsAfter(
    `allocate and close, ${count} pending`,
    extent,
    async (broker) => {
      await broker.allocateMany(count);
      return undefined;
    },
  );
}

/** Starts a process with peers that hold connections; `held` ends it. */
async function connectPeers(
  broker: BenchBroker,
  held: AsyncDisposableStack,
  count: number,
): Promise<NotHere | undefined> {
  const [needed, limit] = [count + SPARE_DESCRIPTORS, descriptorLimit()];
  if (needed > limit) {
    return new NotHere(
      `${count} connections need ${needed} descriptors, and the hard limit is ${limit}`,
    );
  }
  const program = await control("peers");
  if (program instanceof NotHere) return program;
  const peers = held.use(
    new Program(program, [broker.service, String(count)], broker.environment),
  );
  await peers.line(CONNECT_MS);
  return undefined;
}

function connected(count: number): SubjectPlan {
  return callsAfter(
    `allocate and close, ${count} connected`,
    "full",
    (broker, held) => connectPeers(broker, held, count),
  );
}

/** KiB of the broker's memory for each of many connections, measured once. */
function memoryFor(
  name: string,
  extent: Extent,
  count: number,
  connect: (
    broker: BenchBroker,
    held: AsyncDisposableStack,
  ) => Promise<NotHere | undefined>,
): SubjectPlan {
  return {
    name,
    unit: "KiB",
    extent,
    start: async (): Promise<Subject | NotHere> => {
      if (Deno.build.os !== "linux") {
        return new NotHere("memory is counted in /proc");
      }
      await using held = new AsyncDisposableStack();
      const broker = held.use(await BenchBroker.start());
      // What the broker needs once, whoever calls.
      for (let i = 0; i < CALLS.quick; i++) await broker.allocateAndClose();
      const before = residentKib(broker.pid);
      const why = await connect(broker, held);
      if (why !== undefined) return why;
      const each = (residentKib(broker.pid) - before) / count;
      return stateless(() => Promise.resolve({ samples: [each] }));
    },
  };
}

/** The group of calls. */
export const brokerCalls: Group = {
  name: "broker",
  rounds: { full: 7, quick: 2 },
  plans: [
    pending(1, "quick"),
    pending(PENDING, "quick"),
    connected(1),
    connected(PEERS),
  ],
};

/** The group of memory. */
export const brokerMemory: Group = {
  name: "broker's memory",
  rounds: { full: 1, quick: 1 },
  plans: [
    memoryFor(
      "broker's memory per idle connection",
      "full",
      PEERS,
      (broker, held) => connectPeers(broker, held, PEERS),
    ),
    memoryFor(
      "broker's memory per pending connection",
      "quick",
      PENDING,
      async (broker) => {
        await broker.allocateMany(PENDING);
        return undefined;
      },
    ),
  ],
};
