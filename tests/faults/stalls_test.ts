import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ClientProcess } from "../../host/spawn/spawn.ts";
import { CALL_TIMEOUT_MS } from "../../proto/wire/control.ts";
import { PONG_TIMEOUT_MS } from "../../proto/limits.ts";
import { isolatedHome } from "../helpers/home.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { lapse, soon, until } from "../helpers/soon.ts";
import type { FaultyHost } from "./host.ts";
import { carryOut, type Fault, type Hooks } from "./moments.ts";
import { Case, exchange, isStopped, runs } from "./stage.ts";

/**
 * Processes that stall while the others wait for them, or for longer than a call's
 * time limit. A stall lasts until the test has seen that the others wait; only
 * limits that the test lets pass do pass.
 */
/** The time in which the waiting processes must not give up. */
const LATE_MS = 500;

/** Exchanges frames, and closes the host. */
async function works(host: FaultyHost): Promise<void> {
  await soon(host.ready, "ready");
  await exchange(host, 0, 5);
  await soon(host.close(), "close");
  assertEquals(await soon(host.ended, "the end"), undefined);
}

// ---- late ----

/** The host stalls before a step, while its client, which may have started early, waits for it. */
async function lateHost(
  c: Case,
  at: Fault["at"],
  { early, waitsFor }: { early: boolean; waitsFor: string },
): Promise<void> {
  const heard: string[] = [];
  const hooks: Hooks = { at: () => {}, heard: (name) => heard.push(name) };
  await using _broker = await c.broker(hooks);
  await using host = await c.hostProcess({ early }, {
    fault: { at, when: "before", until: c.released, mark: c.mark },
  });
  await until("the standstill", () => c.isDone);
  await until("the client's question", () => heard.includes(waitsFor));
  await lapse(LATE_MS);
  c.release();
  await host.said("ready");
  await host.end();
  assertEquals((await host.said("ended")).ended, "");
  assertMatch(c.failureReason!, /^closed: the host closed it$/);
  const { spawned } = await host.said("spawned");
  await until("the client's end", () => !runs(spawned));
  assertEquals(c.lastWords, "");
}

/** The host has done its part, and its client stalls before a step. */
async function lateClient(c: Case, at: Fault["at"]): Promise<void> {
  await using _broker = await c.broker();
  const fault: Fault = {
    at,
    when: "before",
    until: c.released,
    mark: c.mark,
  };
  const host = c.host({ clientPlan: () => ({ fault }) });
  await until("the standstill", () => c.isDone);
  await lapse(LATE_MS);
  c.release();
  await works(host);
  assertMatch(c.failureReason!, /^closed: the host closed it$/);
}

// ---- stopped ----

/** The moments at which the broker is stopped. */
interface Stop {
  readonly at: Fault["at"];
  readonly by: "host" | "broker";
  /** Whether the host then waits for an answer, and asks again when it is late. */
  readonly askedAgain: boolean;
}

/** The broker stalls in the middle of an answer, or before a request reaches it. */
async function stoppedBroker(
  c: Case,
  { at, by, askedAgain }: Stop,
): Promise<void> {
  const fault: Fault = { at, when: "before", signal: "SIGSTOP", mark: c.mark };
  await using broker = await c.brokerProcess(by === "broker" ? { fault } : {});
  await broker.serves();
  const host = c.host({
    hooks: carryOut(by === "host" ? { fault } : {}, () => broker.pid),
  });
  await until("the standstill", () => c.isDone && isStopped(broker.pid));
  if (askedAgain) {
    const question = at.replace("reply to ", "");
    await until("the question", () => c.sent.includes(question));
    const sent = c.sent.length;
    c.clock.pass(CALL_TIMEOUT_MS);
    await until("the question, again", () => c.sent.length > sent);
  } else {
    await lapse(LATE_MS);
  }
  broker.signal("SIGCONT");
  await works(host);
}

/** The client stalls when it should answer: its host gives up and kills it. */
async function stoppedClient(c: Case): Promise<void> {
  await using _broker = await c.broker();
  let client: ClientProcess | undefined;
  const host = c.host({
    clientPlan: () => ({
      fault: { at: "pong", when: "before", signal: "SIGSTOP", mark: c.mark },
    }),
    spawned: (process) => client = process,
  });
  await until(
    "the standstill",
    () => client !== undefined && isStopped(client.pid),
  );
  assert(c.isDone);
  c.clock.pass(PONG_TIMEOUT_MS);
  // It does not get the teardown, so that limit passes too.
  let over = false;
  host.ended.then(() => over = true);
  await until("the failure", () => {
    c.clock.pass(PONG_TIMEOUT_MS);
    return over;
  });
  const failure = await soon(host.ended, "the end");
  assertEquals(failure?.code, "handshake_failed");
  assertMatch(failure!.message, /pong not received/);
  assert(!runs(client!.pid));
  assertMatch(c.failureReason!, /^host reported: pong not received/);
}

const CASES: Record<string, (c: Case) => Promise<void>> = {
  "a client that is early, and a host that is late: store_endpoint": (c) =>
    lateHost(c, "store_endpoint", { early: true, waitsFor: "get_endpoint" }),
  "a host that is late: ping": (c) =>
    lateHost(c, "ping", { early: false, waitsFor: "get_endpoint" }),
  "a client that is late: get_schema": (c) => lateClient(c, "get_schema"),
  "a client that is late: get_endpoint": (c) => lateClient(c, "get_endpoint"),
  "a client that is late: hello": (c) => lateClient(c, "hello"),
  "a broker that is stopped when it is asked to allocate": (c) =>
    stoppedBroker(c, { at: "allocate", by: "host", askedAgain: true }),
  "a broker that is stopped when the endpoint comes": (c) =>
    stoppedBroker(c, { at: "store_endpoint", by: "host", askedAgain: true }),
  "a broker that is stopped when it has stored the endpoint": (c) =>
    stoppedBroker(c, {
      at: "reply to store_endpoint",
      by: "broker",
      askedAgain: true,
    }),
  "a broker that is stopped when it delivers the endpoint": (c) =>
    stoppedBroker(c, {
      at: "reply to get_endpoint",
      by: "broker",
      askedAgain: false,
    }),
  "a client that is stopped when it should answer the ping": stoppedClient,
};

for (const [name, run] of Object.entries(CASES)) {
  permittedTest(name, HOST_NEEDS, async () => {
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      await using c = new Case(home.path);
      await run(c);
      await c.nextBrokerStarts();
    });
  });
}
