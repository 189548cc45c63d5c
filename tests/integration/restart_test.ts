import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  BridgeError,
  type HostOptions,
  ManualHost,
  ReactiveHost,
  type Restart,
} from "../../host/mod.ts";
import { TICKS } from "../fixtures/tick_port.ts";
import { testClient } from "../helpers/client_module.ts";
import { isolatedHome } from "../helpers/home.ts";
import { sendTick, type TickPorts } from "../helpers/hosts.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { TEST_PATH } from "../helpers/lane/lane_handshake.ts";
import { HOST_NEEDS, permittedTest } from "../helpers/permitted.ts";
import { soon, until } from "../helpers/soon.ts";

type Host = ReactiveHost<TickPorts, TickPorts>;

function launch(
  name: string,
  options: Partial<HostOptions<TickPorts, TickPorts>> = {},
): Host {
  return ReactiveHost.launch({
    ...testClient(name),
    inputs: { ticks: TICKS },
    outputs: { ticks: TICKS },
    output: () => {},
    path: TEST_PATH,
    restart: "on-failure",
    ...options,
  });
}

/** The process that answered. */
async function answer(
  results: AsyncIterator<{ timestamp_ns: bigint } & Disposable>,
): Promise<number> {
  const { value } = await soon(results.next(), "an answer");
  using tick = value;
  return Number(tick.timestamp_ns);
}

const CRASHES: [
  name: string,
  crash: (host: Host) => Promise<void> | void,
  words: string,
][] = [
  [
    "is killed",
    (host) => Deno.kill(host.clientPid, "SIGKILL"),
    "killed by SIGKILL",
  ],
  ["exits", (host) => sendTick(host, "exit"), "exited with code 7"],
  ["throws", (host) => sendTick(host, "throw"), "RangeError: a bad tick"],
];

for (const [name, crash, words] of CRASHES) {
  permittedTest(
    `a client that ${name} is followed by a fresh one, under the same ports`,
    HOST_NEEDS,
    async () => {
      using home = isolatedHome();
      await leavesNothing(home.runDirectory, async () => {
        const restarts: Restart[] = [];
        const restarted = Promise.withResolvers<void>();
        await using host = launch("crashes_on_demand.ts", {
          onRestart: (restart) => {
            restarts.push(restart);
            restarted.resolve();
          },
        });
        const results = host.output.ticks[Symbol.asyncIterator]();
        await sendTick(host, "tick");
        const first = await answer(results);
        const connection = host.connectionId;
        await crash(host);
        await soon(restarted.promise, "the restart");
        // Frames that are sent in between are dropped and counted, and nothing throws.
        using lost = host.input.ticks.acquire({
          data: new Uint8Array(1),
          schema_name: "lost",
          timestamp_ns: 0n,
        });
        assertEquals(host.input.ticks.send(lost), false);
        await sendTick(host, "tick");
        const second = await answer(results);
        assertNotEquals(second, first);
        assertEquals(second, host.clientPid);
        assertNotEquals(host.connectionId, connection);
        assertEquals(host.restarts, 1);
        const [restart] = restarts;
        assertEquals(restart?.failure.code, "client_failed");
        assertStringIncludes(restart!.failure.message, words);
        assertEquals(restart?.inARow, 1);
        await soon(host.close(), "close");
        assertEquals(await soon(host.ended, "the end"), undefined);
      });
    },
  );
}

permittedTest(
  "without the policy a crash is the end, told by its exit",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    await using host = launch("crashes_on_demand.ts", { restart: "never" });
    await sendTick(host, "exit");
    const failure = await soon(host.ended, "the end");
    assertEquals(failure?.code, "client_failed");
    assertStringIncludes(failure!.message, "exited with code 7");
    await assertRejects(
      () => soon(host.input.ticks.ready, "the failure"),
      BridgeError,
      "exited with code 7",
    );
  },
);

permittedTest(
  "a manual host's start is told to the client that follows too",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    const restarted = Promise.withResolvers<void>();
    await using host = ManualHost.launch({
      ...testClient("manual_ticks.ts"),
      outputs: { ticks: TICKS },
      output: () => {},
      restart: "on-failure",
      onRestart: () => restarted.resolve(),
    });
    host.start();
    const ticks = host.output.ticks[Symbol.asyncIterator]();
    (await soon(ticks.next(), "a tick")).value?.[Symbol.dispose]();
    Deno.kill(host.clientPid, "SIGKILL");
    await soon(restarted.promise, "the restart");
    host.output.ticks.get()?.[Symbol.dispose]();
    await until("the next client", () => host.restarts > 0);
    const received = host.output.ticks.stats.received;
    while (host.output.ticks.stats.received < received + 20) {
      (await soon(ticks.next(), "ticks again")).value?.[Symbol.dispose]();
    }
    host.stop();
  },
);

permittedTest(
  "a host that is closed in the pause before a restart starts nobody",
  HOST_NEEDS,
  async () => {
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      const restarting = Promise.withResolvers<void>();
      await using host = launch("crashes_on_demand.ts", {
        onRestart: () => restarting.resolve(),
      });
      await sendTick(host, "exit");
      await soon(restarting.promise, "the crash");
      await soon(host.close(), "close");
      assertEquals(await soon(host.ended, "the end"), undefined);
      assertEquals(host.restarts, 0);
    });
  },
);

permittedTest(
  "what a second attempt can only repeat ends a host at once",
  HOST_NEEDS,
  async () => {
    using _ = isolatedHome();
    await using host = launch("manual_ticks.ts", {
      onRestart: () => assert(false, "it was restarted"),
    });
    const failure = await soon(host.ended, "the end");
    assertNotEquals(failure, undefined);
    assertEquals(host.restarts, 0);
    await assertRejects(() => soon(host.ready, "the failure"), BridgeError);
  },
);

permittedTest(
  "a policy that does not exist is refused with those that do",
  HOST_NEEDS,
  () => {
    const error = (() => {
      try {
        launch("crashes_on_demand.ts", { restart: "always" as "never" });
      } catch (error) {
        return error as BridgeError;
      }
      throw new Error("it was taken");
    })();
    assertEquals(error.code, "bad_argument");
    assertStringIncludes(error.message, '"never" or "on-failure"');
  },
);
