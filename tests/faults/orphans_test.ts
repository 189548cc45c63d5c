import { assertEquals, assertMatch } from "@std/assert";
import type { ClientProcess } from "../../host/spawn.ts";
import { isolatedHome } from "../helpers/home.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { soon } from "../helpers/soon.ts";
import { carryOut, type Fault, type Moment } from "./moments.ts";
import { startHost } from "./host.ts";
import { Case, DEADLINE_MS, runs, until } from "./stage.ts";

/** Clients whose host was killed, and that nobody tells; and what they leave behind. */
const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  service: true,
} as const;
const TIMEOUT_SECS = 60;

function faultsTest(name: string, body: (c: Case) => Promise<void>): void {
  permittedTest(name, NEEDS, async () => {
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      const c = new Case(home.path);
      await body(c);
      await c.nextBrokerStarts();
    });
  });
}

/** Where broker and host are killed at once, as when the broker is in the host's process. */
const ALONE: [at: Moment["name"], by: Moment["by"]][] = [
  ["spawn", "host"],
  ["get_schema", "client"],
  ["get_endpoint", "client"],
];

for (const [at, by] of ALONE) {
  faultsTest(
    `a client whose host and broker are both killed ends, with the reason: ${at}`,
    async (c) => {
      await using broker = await c.brokerProcess({});
      await broker.serves();
      const fault: Fault = {
        at,
        when: by === "client" ? "before" : "after",
        signal: "SIGKILL",
        to: broker.pid,
        mark: c.mark,
      };
      await using host = await c.hostProcess({
        service: c.service,
        directory: c.directory,
        words: c.words,
        timeoutSecs: TIMEOUT_SECS,
        early: false,
        client: by === "client" ? { fault } : {},
        clientKillsHost: false,
      }, by === "host" ? { fault } : {});
      const { spawned } = await host.said("spawned");
      await until("the broker's death", () => c.isDone);
      host.signal("SIGKILL");
      await until("the client's end", () => !runs(spawned));
      assertMatch(
        c.lastWords,
        /The host's process (is gone, and nobody answers|had ended before)/,
      );
    },
  );
}

faultsTest(
  "a client that never comes back from the user's code ends some time after its host was killed",
  async (c) => {
    await using _broker = await c.broker();
    await using host = await c.hostProcess({
      service: c.service,
      directory: c.directory,
      words: c.words,
      module: "loops_in_setup.ts",
      timeoutSecs: TIMEOUT_SECS,
      early: false,
      client: {},
      clientKillsHost: false,
    }, {});
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
    const host = startHost({
      service: c.service,
      directory: c.directory,
      words: c.words,
      module: "leaves_a_child.ts",
      timeoutSecs: TIMEOUT_SECS,
      early: false,
      hooks: carryOut({}),
      clientPlan: () => ({}),
      spawned: spawned.resolve,
    });
    await soon(host.ready, "ready");
    const [, child] = c.lastWords.match(/child (\d+)/)!;
    try {
      (await spawned.promise).kill("SIGKILL");
      const failure = await soon(host.ended, "the failure", DEADLINE_MS);
      assertEquals(failure?.code, "client_failed");
      assertMatch(failure!.message, /was killed by SIGKILL.*child \d+/s);
    } finally {
      Deno.kill(Number(child), "SIGKILL");
    }
  },
);
