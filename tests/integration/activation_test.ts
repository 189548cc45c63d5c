/**
 * Socket activation: a service manager listens, and starts the broker with both
 * sockets when a client connects.
 */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { BrokerLink } from "../../ffi/broker_link.ts";
import { Native } from "../../ffi/native.ts";
import type { GetVersionResponse } from "../../proto/broker_gen.ts";
import { names } from "../../proto/names.ts";
import { Activator } from "../helpers/activator.ts";
import { isolatedHome } from "../helpers/home.ts";
import { acquireFrame, launchFixture } from "../helpers/hosts.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { lapse, PATIENCE_MS, soon } from "../helpers/soon.ts";

const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  linux: "activation by descriptors", // launchd has its own
} as const;
const LATE_TIMER = {
  // A grpc-js client whose server has ended leaves a timer for a while.
  sanitizeOps: false,
  sanitizeResources: false,
};

interface LogLine {
  readonly message: string;
  readonly [field: string]: unknown;
}

/** The log records of the brokers. */
function records(stderr: string): LogLine[] {
  return stderr.split("\n").filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line));
}

async function grpcHealth(): Promise<boolean> {
  const { PatientClient } = await import("../helpers/patient_client.ts");
  using client = new PatientClient(names(Deno.env).grpcAddress);
  return (await client.call("GetHealth", {})).healthy;
}

function versionOver(link: BrokerLink): Promise<GetVersionResponse> {
  return link.call("GetVersion", {}, { timeoutMs: PATIENCE_MS });
}

async function xpcVersion(native: Native): Promise<number> {
  using link = new BrokerLink(native, names(Deno.env).service);
  return (await versionOver(link)).protocol_version;
}

permittedTest(
  "a host that connects starts the broker, which sees the handshake through",
  NEEDS,
  async () => {
    using _ = isolatedHome();
    await using activator = await Activator.start();
    assertEquals(activator.count("started"), 0);
    await using host = launchFixture("invert.ts");
    await soon(host.ready, "ready");
    assertEquals(host.broker, {
      service: names(Deno.env).service,
      embedded: false,
    });
    assertEquals(activator.count("started"), 1);
    {
      using frame = acquireFrame(host, 1);
      host.input.video.send(frame);
      const results = host.output.video[Symbol.asyncIterator]();
      using out = (await soon(results.next(), "a frame")).value!;
      assertEquals(out.frame_number, 1n);
    }
    await soon(host.close(), "the host's end");
    const serving = records(await activator.end())
      .find(({ message }) => message === "serving");
    assertEquals(
      [serving!["xpc_socket"], serving!["grpc_socket"]],
      ["passed", "passed"],
    );
    assertEquals(activator.codes, [0]); // by SIGTERM, in order
  },
  LATE_TIMER,
);

permittedTest(
  "a gRPC client that connects starts the broker, and XPC reaches the same",
  NEEDS,
  async () => {
    using _ = isolatedHome();
    await using activator = await Activator.start();
    assert(await grpcHealth());
    using native = Native.open();
    assertEquals(await xpcVersion(native), 1);
    assertEquals(activator.count("started"), 1);
  },
  LATE_TIMER,
);

permittedTest(
  "idle it ends, its sockets stay, and the next to connect starts another",
  NEEDS,
  async () => {
    using home = isolatedHome();
    await using activator = await Activator.start("--idle-exit", "0.3");
    using native = Native.open();
    const sockets = (): string[] =>
      [...Deno.readDirSync(home.runDirectory)].map(({ name }) => name).sort();
    const before = sockets();
    assertEquals(before.length, 2);
    assert(await grpcHealth());
    const first = activator.pid;
    await activator.until("ended", 1);
    assertEquals(sockets(), before);
    assertEquals(await xpcVersion(native), 1);
    assertNotEquals(activator.pid, first);
    await activator.until("ended", 2);
    assertEquals(sockets(), before);
    assertEquals(activator.codes, [0, 0]);
    const endings = records(await activator.end())
      .filter(({ message }) => message === "ending");
    assertEquals(endings.map((record) => record["reason"]), ["idle", "idle"]);
  },
  LATE_TIMER,
);

permittedTest(
  "it does not end while somebody is connected, over XPC or gRPC",
  NEEDS,
  async () => {
    using _ = isolatedHome();
    await using activator = await Activator.start("--idle-exit", "0.2");
    using native = Native.open();
    const { PatientClient } = await import("../helpers/patient_client.ts");
    {
      using link = new BrokerLink(native, names(Deno.env).service);
      await versionOver(link);
      await lapse(800);
      await versionOver(link);
      using client = new PatientClient(names(Deno.env).grpcAddress);
      await client.call("GetHealth", {});
      link[Symbol.dispose]();
      await lapse(800);
      assert((await client.call("GetHealth", {})).healthy);
      assertEquals(activator.count("ended"), 0);
    }
    await activator.until("ended", 1);
    assertEquals(activator.count("started"), 1);
  },
  LATE_TIMER,
);

for (
  const [lives, needs] of [[1, NEEDS], [5, {
    ...NEEDS,
    exhaustive: true,
  }]] as const
) {
  permittedTest(
    `whoever connects while it decides to end is answered, by it or by the next: ${lives} times`,
    needs,
    async () => {
      using _ = isolatedHome();
      // It ends almost at once, so most calls are close to an end.
      await using activator = await Activator.start("--idle-exit", "0.02");
      using native = Native.open();
      for (let life = 1; life <= lives; life++) {
        // On a slow machine it may not end between two calls; then it ends after the last.
        for (let round = 0; round < 20; round++) {
          const [healthy, version] = await Promise.all([
            grpcHealth(),
            xpcVersion(native),
          ]);
          assert(healthy && version === 1);
          await lapse((round * 7) % 60);
          if (activator.count("ended") >= life) break;
        }
        await activator.until("ended", life);
      }
      assertEquals(new Set(activator.codes), new Set([0]));
    },
    LATE_TIMER,
  );
}

permittedTest(
  "after enough sessions it is recycled, but not under somebody's feet",
  { ...NEEDS, exhaustive: true },
  async () => {
    using _ = isolatedHome();
    await using activator = await Activator.start("--recycle-after", "3");
    using native = Native.open();
    {
      using link = new BrokerLink(native, names(Deno.env).service);
      await versionOver(link);
      for (let session = 0; session < 4; session++) await grpcHealth();
      await lapse(1_200); // it looks once a second
      await versionOver(link);
      assertEquals(activator.events.length, 1);
    }
    await activator.until("ended", 1);
    assert(await grpcHealth());
    const ending = records(await activator.end())
      .find(({ message }) => message === "ending");
    assertEquals(ending!["reason"], "recycled");
    assertEquals(activator.codes, [0, 0]);
  },
  LATE_TIMER,
);

permittedTest(
  "one that was killed is followed by the next",
  NEEDS,
  async () => {
    using _ = isolatedHome();
    await using activator = await Activator.start();
    assert(await grpcHealth());
    Deno.kill(activator.pid, "SIGKILL");
    await activator.until("ended", 1);
    using native = Native.open();
    assertEquals(await xpcVersion(native), 1);
    assertEquals(activator.count("started"), 2);
  },
  LATE_TIMER,
);

permittedTest(
  "a container's broker stays, whatever else it is told",
  { ...NEEDS, exhaustive: true },
  async () => {
    using home = isolatedHome();
    await using activator = await Activator.start(
      "--foreground",
      "--idle-exit",
      "0.1",
      "--recycle-after",
      "1",
      "--log-file",
      `${home.path}/logs/broker.log`,
    );
    assert(await grpcHealth());
    await lapse(1_200);
    assert(await grpcHealth());
    assertEquals(activator.events.length, 1);
    assertEquals(records(await activator.end())[0]!.message, "serving");
    assert(![...Deno.readDirSync(home.path)].some((e) => e.name === "logs"));
  },
  LATE_TIMER,
);
