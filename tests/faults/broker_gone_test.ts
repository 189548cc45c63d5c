import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ClientProcess } from "../../host/spawn/spawn.ts";
import { DEFAULT_TIMEOUT_SECS } from "../../proto/limits.ts";
import { isolatedHome } from "../helpers/home.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { HOST_NEEDS, type Needs, permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";
import { carryOut, type Fault, type Moment } from "./moments.ts";
import { Case, exchange, runs } from "./stage.ts";

/** The broker is killed: it does not come back, or it comes back while channels are running. */

/** A quick run tries every other moment. */
const sampled = (index: number): Needs =>
  index % 2 === 0 ? HOST_NEEDS : { ...HOST_NEEDS, exhaustive: true };

/** The moment at which the broker is killed, and the phase that the host's error names. */
const NEVER_BACK: [at: Moment["name"], by: Moment["by"], far: string][] = [
  ["allocate", "host", "the broker had not allocated the connection"],
  ["endpoint", "host", "the endpoint was not stored at the broker"],
  ["store_endpoint", "host", "the endpoint was not stored at the broker"],
  ["reply to store_endpoint", "broker", "the endpoint was not stored at the"],
  ["spawn", "host", "the client had not connected"],
  ["get_schema", "client", "the client had not connected"],
  ["get_endpoint", "client", "the client had not connected"],
  ["reply to get_endpoint", "broker", "the client had not connected"],
];

async function neverBack(
  c: Case,
  at: Moment["name"],
  by: Moment["by"],
  far: string,
): Promise<void> {
  const fault: Fault = { at, when: "before", signal: "SIGKILL", mark: c.mark };
  await using broker = await c.brokerProcess(by === "broker" ? { fault } : {});
  await broker.serves();
  let client: ClientProcess | undefined;
  const host = c.host({
    hooks: carryOut(by === "host" ? { fault } : {}, () => broker.pid),
    clientPlan: () =>
      by === "client" ? { fault: { ...fault, to: broker.pid } } : {},
    spawned: (process) => client = process,
  });
  await broker.killed();
  // The same request again shows that the host knows that the first was not answered.
  const asked = c.sent.length;
  await until("a question of the host, again", () => {
    const since = c.sent.slice(asked);
    return new Set(since).size < since.length;
  }, () => c.sent.join(", "));
  const gone = /asking again: Cannot reach the broker/;
  await until(
    "the client's words",
    () => client === undefined || gone.test(client.stderrTail),
    () => client?.stderrTail ?? "",
  );
  c.clock.pass(DEFAULT_TIMEOUT_SECS * 1000);
  const failure = await soon(host.ended, "the timeout");
  assertEquals(failure?.code, "timed_out");
  assertMatch(failure!.message, /^not ready within 300 s: /);
  assertMatch(failure!.message, new RegExp(far));
  assertMatch(failure!.message, /the last attempt: Cannot reach the broker/);
  if (client) {
    assert(!runs(client.pid));
    // The client's message about the broker reaches the host's owner too.
    assertMatch(failure!.message, gone);
  }
}

for (const [index, [at, by, far]] of NEVER_BACK.entries()) {
  permittedTest(
    `a broker that is killed, and not back in time: both sides end with the reason: ${at}, of the ${by}`,
    sampled(index),
    async () => {
      using home = isolatedHome();
      await leavesNothing(home.runDirectory, async () => {
        await using c = new Case(home.path);
        await neverBack(c, at, by, far);
        await c.nextBrokerStarts();
      });
    },
  );
}

/** The moments at which the broker is killed while gRPC carries the control calls, which the shim does not see. */
const OVER_GRPC: [at: Moment["name"], by: Moment["by"]][] = [
  ["endpoint", "host"],
  ["store_endpoint", "host"],
  ["reply to store_endpoint", "broker"],
  ["spawn", "host"],
  ["get_endpoint", "client"],
  ["hello", "client"],
];

async function backOverGrpc(
  c: Case,
  at: Moment["name"],
  by: Moment["by"],
): Promise<void> {
  const fault: Fault = { at, when: "after", signal: "SIGKILL", mark: c.mark };
  await using broker = await c.brokerProcess(
    by === "broker" ? { fault } : {},
    c.grpc,
  );
  await broker.serves();
  const host = c.host({
    grpc: c.grpc,
    hooks: carryOut(by === "host" ? { fault } : {}, () => broker.pid),
    clientPlan: () =>
      by === "client" ? { fault: { ...fault, to: broker.pid } } : {},
  });
  await broker.killed();
  await using _ = await c.broker(carryOut({}), c.grpc);
  await soon(host.ready, `ready after ${at}`);
  await exchange(host, 0, 5);
  await soon(host.close(), "close");
  assertEquals(await soon(host.ended, "the end"), undefined);
}

for (const [index, [at, by]] of OVER_GRPC.entries()) {
  permittedTest(
    `a broker that is killed, and comes back, while the control calls go over gRPC: ${at}, of the ${by}`,
    { ...sampled(index), net: true },
    async () => {
      using home = isolatedHome();
      await leavesNothing(home.runDirectory, async () => {
        await using c = new Case(home.path);
        await backOverGrpc(c, at, by);
      });
    },
  );
}

permittedTest(
  "running channels are undisturbed by a broker that is killed, and started again",
  HOST_NEEDS,
  async () => {
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      await using c = new Case(home.path);
      await using first = await c.brokerProcess();
      await first.serves();
      const hosts = [c.host(), c.host()];
      await soon(Promise.all(hosts.map(({ ready }) => ready)), "ready");
      let over = false;
      using _traffic = { [Symbol.dispose]: () => over = true };
      const traffic = Promise.all(hosts.map(async (host) => {
        let number = 0;
        while (!over) {
          await exchange(host, number, 20);
          number += 20;
        }
        return number;
      }));
      traffic.catch(() => {}); // thrown below
      const frames = (): number =>
        hosts.reduce((sum, { channel }) => sum + channel.stats.received, 0);
      const flowing = async (): Promise<void> => {
        const before = frames();
        const flow = until("frames", () => frames() > before + 200);
        await Promise.race([flow, traffic]);
      };
      await flowing();
      first.signal("SIGKILL");
      await first.killed();
      await flowing();
      {
        await using _second = await c.broker();
        await flowing();
      }
      await flowing();
      over = true;
      const sent = (await soon(traffic, "the last frames"))
        .reduce((a, b) => a + b);
      assertEquals(frames(), sent);
      for (const host of hosts) {
        assertEquals(host.channel.stats.dropped, 0);
        await soon(host.close(), "close");
        assertEquals(await soon(host.ended, "the end"), undefined);
      }
    });
  },
);
