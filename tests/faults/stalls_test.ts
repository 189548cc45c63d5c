import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ClientProcess } from "../../host/spawn.ts";
import { isolatedHome } from "../helpers/home.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon } from "../helpers/soon.ts";
import { carryOut, type Fault } from "./moments.ts";
import { type FaultyHost, startHost } from "./host.ts";
import { Case, DEADLINE_MS, exchange, runs, until } from "./stage.ts";

/** Processes that are much slower than the others, or stand still for longer than a call may take. */
const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  service: true,
} as const;
const LATE_MS = 5_000;
/** Longer than the 5 s that a call, and the pong, may take. */
const STOPPED_MS = 6_000;
const TIMEOUT_SECS = 60;

interface Started {
  readonly host: FaultyHost;
  readonly client: Promise<ClientProcess>;
}

/** A host in this process. */
function hostHere(
  c: Case,
  faults: { host?: Fault; client?: Fault },
): Started {
  const client = Promise.withResolvers<ClientProcess>();
  const host = startHost({
    service: c.service,
    directory: c.directory,
    words: c.words,
    timeoutSecs: TIMEOUT_SECS,
    early: false,
    hooks: carryOut({ ...(faults.host && { fault: faults.host }) }),
    clientPlan: () => ({ ...(faults.client && { fault: faults.client }) }),
    spawned: client.resolve,
  });
  return { host, client: client.promise };
}

/** Frames flow, and it ends in order. */
async function works({ host }: Started): Promise<void> {
  await soon(host.ready, "ready", DEADLINE_MS);
  await exchange(host, 0, 5);
  await soon(host.close(), "close", DEADLINE_MS);
  assertEquals(await host.ended, undefined);
}

async function goesOn(
  c: Case,
  signal: (s: Deno.Signal) => void,
): Promise<void> {
  await until("the standstill", () => c.isDone);
  await new Promise((resolve) => setTimeout(resolve, STOPPED_MS));
  signal("SIGCONT");
}

// ---- late ----

/** The host stands still before it takes a step, while its client, which started ahead, waits for it. */
async function lateHost(
  c: Case,
  at: Fault["at"],
  early: boolean,
): Promise<void> {
  await using _broker = await c.broker();
  await using host = await c.hostProcess({
    service: c.service,
    directory: c.directory,
    words: c.words,
    timeoutSecs: TIMEOUT_SECS,
    early,
    client: {},
    clientKillsHost: false,
  }, { fault: { at, when: "before", sleepMs: LATE_MS, mark: c.mark } });
  await host.said("ready");
  await host.end();
  assertEquals((await host.said("ended")).ended, "");
  assertMatch(c.failureReason!, /^closed: the host closed it$/);
  const { spawned } = await host.said("spawned");
  await until("the client's end", () => !runs(spawned));
  assertEquals(c.lastWords, "");
}

/** The host has done everything, and its client stands still before it takes a step. */
async function lateClient(c: Case, at: Fault["at"]): Promise<void> {
  await using _broker = await c.broker();
  const fault: Fault = { at, when: "before", sleepMs: LATE_MS, mark: c.mark };
  await works(hostHere(c, { client: fault }));
  assert(c.isDone);
  assertMatch(c.failureReason!, /^closed: the host closed it$/);
}

// ---- stopped ----

/** The broker stands still in the middle of an answer, or before a question reaches it. */
async function stoppedBroker(
  c: Case,
  at: Fault["at"],
  by: "host" | "broker",
): Promise<void> {
  const fault: Fault = { at, when: "before", signal: "SIGSTOP", mark: c.mark };
  await using broker = await c.brokerProcess(by === "broker" ? { fault } : {});
  await broker.serves();
  const started = hostHere(
    c,
    by === "host" ? { host: { ...fault, to: broker.pid } } : {},
  );
  await goesOn(c, (signal) => broker.signal(signal));
  await works(started);
}

/** The client stands still when it should answer: its host gives it up, and nothing of it stays. */
async function stoppedClient(c: Case): Promise<void> {
  await using _broker = await c.broker();
  const { host, client } = hostHere(c, {
    client: { at: "pong", when: "before", signal: "SIGSTOP", mark: c.mark },
  });
  const failure = await soon(host.ended, "the failure", DEADLINE_MS);
  assertEquals(failure?.code, "handshake_failed");
  assertMatch(failure!.message, /pong not received/);
  assert(!runs((await client).pid));
  assertMatch(c.failureReason!, /^host reported: pong not received/);
}

const CASES: Record<string, (c: Case) => Promise<void>> = {
  "client 5 s early, host 5 s late: store_endpoint": (c) =>
    lateHost(c, "store_endpoint", true),
  "host 5 s late: ping": (c) => lateHost(c, "ping", false),
  "client 5 s late: get_schema": (c) => lateClient(c, "get_schema"),
  "client 5 s late: get_endpoint": (c) => lateClient(c, "get_endpoint"),
  "client 5 s late: hello": (c) => lateClient(c, "hello"),
  "broker stopped when asked to allocate": (c) =>
    stoppedBroker(c, "allocate", "host"),
  "broker stopped when the endpoint comes": (c) =>
    stoppedBroker(c, "store_endpoint", "host"),
  "broker stopped when it has stored the endpoint": (c) =>
    stoppedBroker(c, "reply to store_endpoint", "broker"),
  "broker stopped when it delivers the endpoint": (c) =>
    stoppedBroker(c, "reply to get_endpoint", "broker"),
  "client stopped when it should answer the ping": stoppedClient,
};

// All at once: they do nothing but wait.
permittedTest(
  "whoever is late, or stands still for a while",
  NEEDS,
  async (t) => {
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      await Promise.all(
        Object.entries(CASES).map(([name, run]) =>
          t.step({
            name,
            fn: async () => {
              const c = new Case(home.path);
              await run(c);
              await c.nextBrokerStarts();
            },
            sanitizeOps: false,
            sanitizeResources: false,
            sanitizeExit: false,
          })
        ),
      );
    });
  },
);
