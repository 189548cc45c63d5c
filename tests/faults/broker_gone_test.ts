import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Broker } from "../../broker/broker.ts";
import type { ClientProcess } from "../../host/spawn.ts";
import { isolatedHome } from "../helpers/home.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon } from "../helpers/soon.ts";
import { carryOut, type Fault, type Moment } from "./moments.ts";
import { startHost } from "./host.ts";
import { Case, DEADLINE_MS, exchange, runs, until } from "./stage.ts";

/** A broker that is killed, and does not come back, or comes back under running channels. */
const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  service: true,
} as const;

/** Where the broker is killed, and how far the host then says that it got. */
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
  const host = startHost({
    service: c.service,
    directory: c.directory,
    words: c.words,
    timeoutSecs: 2,
    early: false,
    hooks: carryOut(by === "host" ? { fault } : {}, () => broker.pid),
    clientPlan: () =>
      by === "client" ? { fault: { ...fault, to: broker.pid } } : {},
    spawned: (process) => client = process,
  });
  const failure = await soon(host.ended, "the timeout", DEADLINE_MS);
  assertEquals((await broker.status).signal, "SIGKILL");
  assertEquals(failure?.code, "timed_out");
  assertMatch(failure!.message, /^not ready within 2 s: /);
  assertMatch(failure!.message, new RegExp(far));
  assertMatch(failure!.message, /the last attempt: Cannot reach the broker/);
  if (client) {
    assert(!runs(client.pid));
    // What it had to say of the broker reaches the host's owner too.
    assertMatch(failure!.message, /asking again: Cannot reach the broker/);
  }
}

// All at once: they do little but wait.
permittedTest(
  "a broker that is killed, and not back in time: both sides end with the reason",
  NEEDS,
  async (t) => {
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      await Promise.all(NEVER_BACK.map(([at, by, far]) =>
        t.step({
          name: `${at}, of the ${by}`,
          fn: async () => {
            const c = new Case(home.path);
            await neverBack(c, at, by, far);
            await c.nextBrokerStarts();
          },
          sanitizeOps: false,
          sanitizeResources: false,
          sanitizeExit: false,
        })
      ));
    });
  },
);

/** Where the broker is killed while the control calls go over gRPC, which the shim does not see. */
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
  const host = startHost({
    service: c.service,
    directory: c.directory,
    words: c.words,
    grpc: c.grpc,
    timeoutSecs: 30,
    early: false,
    hooks: carryOut(by === "host" ? { fault } : {}, () => broker.pid),
    clientPlan: () =>
      by === "client" ? { fault: { ...fault, to: broker.pid } } : {},
    spawned: () => {},
  });
  assertEquals((await broker.status).signal, "SIGKILL");
  await using _ = await c.broker(carryOut({}), c.grpc);
  await soon(host.ready, `ready after ${at}`, DEADLINE_MS);
  await exchange(host, 0, 5);
  await soon(host.close(), "close", DEADLINE_MS);
  assertEquals(await host.ended, undefined);
}

permittedTest(
  "a broker that is killed, and comes back, while the control calls go over gRPC",
  { ...NEEDS, net: true },
  async () => {
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      for (const [at, by] of OVER_GRPC) {
        await backOverGrpc(new Case(home.path), at, by);
      }
    });
  },
);

permittedTest(
  "running channels are undisturbed by a broker that is killed, and started again",
  NEEDS,
  async () => {
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      const c = new Case(home.path);
      await using first = await c.brokerProcess({});
      await first.serves();
      const hosts = [1, 2].map(() =>
        startHost({
          service: c.service,
          directory: c.directory,
          words: c.words,
          timeoutSecs: 60,
          early: false,
          hooks: carryOut({}),
          clientPlan: () => ({}),
          spawned: () => {},
        })
      );
      await soon(Promise.all(hosts.map(({ ready }) => ready)), "ready");
      let over = false;
      const traffic = hosts.map(async (host) => {
        let number = 0;
        while (!over) {
          await exchange(host, number, 20);
          number += 20;
        }
        return number;
      });
      const frames = (): number =>
        hosts.reduce((sum, { channel }) => sum + channel.stats.received, 0);
      const flowing = async (): Promise<void> => {
        const before = frames();
        await until("frames", () => frames() > before + 200);
      };
      await flowing();
      first.signal("SIGKILL");
      await first.status;
      await flowing();
      let second: Broker | undefined = await c.broker();
      await flowing();
      await second[Symbol.asyncDispose]();
      second = undefined;
      await flowing();
      over = true;
      const sent = (await Promise.all(traffic)).reduce((a, b) => a + b);
      assertEquals(frames(), sent);
      for (const host of hosts) {
        assertEquals(host.channel.stats.dropped, 0);
        await soon(host.close(), "close", DEADLINE_MS);
        assertEquals(await host.ended, undefined);
      }
    });
  },
);
