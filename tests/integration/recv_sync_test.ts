/** Reading with a whole thread: in a Worker, and in a processor; by lanes and by messages. */

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { Native } from "../../ffi/native.ts";
import { ManualHost } from "../../host/mod.ts";
import { clientStarter } from "../../host/spawn/spawn.ts";
import { BridgeError } from "../../proto/errors.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { attackControl } from "../helpers/attack_messages.ts";
import type {
  WorkerOrder,
  WorkerReport,
} from "../fixtures/recv_sync_worker.ts";
import { TICKS } from "../fixtures/tick_port.ts";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { PlayedHost } from "../helpers/played_host.ts";
import { PATIENCE_MS, soon, until } from "../helpers/soon.ts";

const NEEDS = {
  read: true,
  write: true,
  env: true,
  run: true,
  service: true,
} as const;
const PATHS = ["lane", "dictionary"] as const;
const PORTS = { ticks: TICKS };

function fixture(name: string): URL {
  return new URL(`../fixtures/${name}`, import.meta.url);
}

type Host = Pick<ManualHost<typeof PORTS>, "input">;

async function send({ input }: Host, number: number): Promise<void> {
  await soon(input.ticks.ready, `room for ${number}`);
  using tick = input.ticks.acquire({
    data: new Uint8Array(number),
    schema_name: "tick",
    timestamp_ns: BigInt(number),
  });
  assertEquals(input.ticks.send(tick), true);
}

for (const path of PATHS) {
  permittedTest(
    `a Worker reads each result with its whole thread, by ${path}`,
    NEEDS,
    async () => {
      using _ = isolatedHome();
      const worker = new Worker(fixture("recv_sync_worker.ts"), {
        type: "module",
      });
      const report = Promise.withResolvers<WorkerReport>();
      worker.onmessage = ({ data }) => report.resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        report.reject(new Error(event.message));
      };
      const order: WorkerOrder = { path, frames: 200 };
      worker.postMessage(order);
      assertEquals(await soon(report.promise, "the Worker"), {
        path,
        right: 200,
        none: undefined,
        code: "bad_argument",
        after: undefined,
      });
      worker.terminate();
    },
  );

  permittedTest(
    `a processor that waits with its whole thread answers each frame, stops, starts again, and sees the end of its input, by ${path}`,
    NEEDS,
    async () => {
      using _ = isolatedHome();
      await using host = ManualHost.launch({
        module: fixture("recv_sync_echo.ts"),
        inputs: PORTS,
        outputs: PORTS,
        path,
        output: () => {},
      });
      host.start();
      await soon(host.ready, "ready");
      assertEquals(host.stats.path, path);
      const next = async (): Promise<string> => {
        using tick = await soon(host.output.ticks.next(), "a tick");
        return tick
          ? `${tick.schema_name} ${tick.timestamp_ns} ${tick.data.length}`
          : "the end";
      };
      for (let number = 1; number <= 100; number++) {
        await send(host, number);
        assertEquals(await next(), `tick ${number} ${number}`);
      }
      host.stop();
      assertEquals(await next(), "stopped 0 0");
      host.start();
      await send(host, 101);
      assertEquals(await next(), "tick 101 101");
      await send(host, 102);
      host.input.ticks.end();
      assertEquals(await next(), "tick 102 102");
      assertEquals(await next(), "ended 0 0");
      assertEquals(await next(), "the end");
    },
  );

  permittedTest(
    `a processor that gives its event loop no turn gets every frame and releases it, and ends with its input or its host, by ${path}`,
    NEEDS,
    async () => {
      using _ = isolatedHome();
      for (const how of ["ended", "aborted"]) {
        let written = "";
        await using host = ManualHost.launch({
          module: fixture("recv_sync_counts.ts"),
          inputs: PORTS,
          path,
          output: (chunk) => written += new TextDecoder().decode(chunk),
        });
        host.start();
        await soon(host.ready, "ready");
        // Far more than its port has room for.
        for (let number = 0; number < 300; number++) await send(host, number);
        if (how === "ended") {
          await soon(host.drain(), "drained");
        }
        await soon(host.close(), "close");
        await until("its words", () => written.includes("read"));
        const [, count, why] = written.match(/^begins\nread (\d+), (\w+)\n$/)!;
        assertEquals(why, how);
        // A host that closes drops what its client has not read: at most what its port has room for.
        assert(Number(count) >= (how === "ended" ? 300 : 300 - 8), written);
        assertEquals(await soon(host.ended, "the end"), undefined);
      }
    },
  );
}

for (const path of PATHS) {
  permittedTest(
    `a host that gives its event loop no turn gets undefined at each deadline when its client was killed, and hears the end at the next await, by ${path}`,
    NEEDS,
    async () => {
      using _ = isolatedHome();
      await using host = ManualHost.launch({
        module: fixture("recv_sync_echo.ts"),
        inputs: PORTS,
        outputs: PORTS,
        path,
        output: () => {},
      });
      host.start();
      await soon(host.ready, "ready");
      await send(host, 1);
      host.output.ticks.recvSync(PATIENCE_MS)![Symbol.dispose]();
      assertEquals(host.stats.path, path);
      Deno.kill(host.clientPid, "SIGKILL");
      for (let n = 0; n < 2; n++) {
        assertEquals(host.output.ticks.recvSync(5), undefined);
      }
      const next = await assertRejects(
        () => soon(host.output.ticks.next(), "the end of the port"),
        BridgeError,
        "SIGKILL",
      );
      assertEquals(next.code, "client_failed");
      assertEquals(await soon(host.ended, "the end"), next);
      assertThrows(() => host.output.ticks.recvSync(PATIENCE_MS), BridgeError);
    },
  );
}

permittedTest(
  "a processor that gives its event loop no turn ends when its host is gone",
  NEEDS,
  async () => {
    using _ = isolatedHome();
    const service = "com.example.gone";
    await using _broker = await Broker.start({
      service,
      log: { sink: () => {} },
    });
    using native = Native.open();
    const schema = connectionSchema({ inputs: PORTS });
    let written = "";
    const host = await PlayedHost.start(native, service, schema);
    const { connection_id, token } = host.credentials;
    const client = clientStarter({
      module: fixture("recv_sync_counts.ts"),
      name: "client",
      runner: new URL("../../client/runner.ts", import.meta.url),
      grpcClient: undefined,
      permissions: { read: true },
      userEnv: {},
      deno: undefined,
      config: undefined,
      output: (chunk) => written += new TextDecoder().decode(chunk),
    })({
      STREAMLIB_BROKER_XPC_SERVICE: service,
      STREAMLIB_CONNECTION_ID: connection_id,
      STREAMLIB_CONNECTION_TOKEN: token,
    });
    await using _client = {
      [Symbol.asyncDispose]: async () => {
        client.kill("SIGKILL");
        await soon(client.exit, "the client's end");
      },
    };
    await host.letIn();
    await host.ping();
    await host.control("started");
    host.send(attackControl("start"));
    await until("its start", () => written.includes("begins"));
    await soon(host[Symbol.asyncDispose](), "the host's end");
    const { code, stderrTail } = await soon(client.exit, "the client's end");
    assertEquals(code, 0, stderrTail);
    assertStringIncludes(stderrTail, "the channel ended without a teardown");
    assertStringIncludes(written, "read 0, aborted");
  },
);
