import { assert, assertEquals, assertMatch } from "@std/assert";
import type { ClientProcess } from "../../host/spawn/spawn.ts";
import { isolatedHome } from "../helpers/home.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";
import type { Fault, Moment } from "./moments.ts";
import { Case, runs } from "./stage.ts";

/** Clients whose host was killed and that get no teardown, and what they leave behind. */

function faultsTest(name: string, body: (c: Case) => Promise<void>): void {
  permittedTest(name, HOST_NEEDS, async () => {
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      await using c = new Case(home.path);
      await body(c);
      await c.nextBrokerStarts();
    });
  });
}

/** The moments at which broker and host are killed together, as when the broker is embedded. */
const ALONE: [at: Moment["name"], by: Moment["by"]][] = [
  ["spawn", "host"],
  ["get_schema", "client"],
  ["get_endpoint", "client"],
];

for (const [at, by] of ALONE) {
  faultsTest(
    `a client whose host and broker are both killed ends, with the reason: ${at}`,
    async (c) => {
      await using broker = await c.brokerProcess();
      await broker.serves();
      const fault: Fault = {
        at,
        when: by === "client" ? "before" : "after",
        signal: "SIGKILL",
        to: broker.pid,
        mark: c.mark,
      };
      await using host = await c.hostProcess({
        client: by === "client" ? { fault } : {},
      }, by === "host" ? { fault } : {});
      const { spawned } = await host.said("spawned");
      await until("the broker's death", () => c.isDone);
      host.signal("SIGKILL");
      await until("the client's end", () => !runs(spawned));
      assertMatch(
        c.lastWords,
        /The host's process (is gone; the last attempt|had ended before)/,
      );
    },
  );
}

faultsTest(
  "a client that never comes back from the user's code ends some time after its host was killed",
  async (c) => {
    await using _broker = await c.broker();
    await using host = await c.hostProcess({ module: "loops_in_setup.ts" });
    const { spawned } = await host.said("spawned");
    await until("the loop", () => c.lastWords.includes("looping"));
    host.signal("SIGKILL");
    await host.end();
    await until("the client's end", () => !runs(spawned));
  },
);

faultsTest(
  "a killed client is told at once, also where a process of its own holds its stderr",
  async (c) => {
    await using _broker = await c.broker();
    const spawned = Promise.withResolvers<ClientProcess>();
    const host = c.host({
      module: "leaves_a_child.ts",
      spawned: spawned.resolve,
    });
    await soon(host.ready, "ready");
    const child = Number(c.lastWords.match(/child (\d+)/)![1]);
    try {
      const client = await soon(spawned.promise, "the client");
      client.kill("SIGKILL");
      const failure = await soon(host.ended, "the failure");
      assert(runs(child), "the child does not hold the client's stderr");
      assertEquals(failure?.code, "client_failed");
      assertMatch(failure!.message, /was killed by SIGKILL.*child \d+/s);
    } finally {
      if (runs(child)) Deno.kill(child, "SIGKILL");
    }
  },
);
