import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { ReactiveHost } from "../../host/mod.ts";
import { TICKS } from "../fixtures/tick_port.ts";
import { isolatedHome } from "../helpers/home.ts";
import { leavesNothing } from "../helpers/leaks.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { refusedCall } from "../helpers/refused_call.ts";
import { soon, until } from "../helpers/soon.ts";

const NEEDS = {
  run: true,
  read: true,
  write: true,
  env: true,
  net: true,
} as const;
const SERVING = { ...NEEDS, service: true } as const;

function launch(
  broker: string,
  brokerEndpoint?: string,
): ReactiveHost<{ ticks: typeof TICKS }, { ticks: typeof TICKS }> {
  return ReactiveHost.launch({
    module: new URL("../fixtures/crashes_on_demand.ts", import.meta.url),
    inputs: { ticks: TICKS },
    outputs: { ticks: TICKS },
    output: () => {},
    control: "grpc",
    broker,
    ...(brokerEndpoint !== undefined && { brokerEndpoint }),
  });
}

permittedTest(
  "host and client with their control calls over gRPC: ready, frames, both acked, statistics",
  SERVING,
  async () => {
    const { Broker } = await import("../../broker/broker.ts");
    const { PatientClient } = await import("../helpers/patient_client.ts");
    using home = isolatedHome();
    const service = "com.example.control.grpc";
    const grpc = `unix:${home.runDirectory}/${service}.grpc`;
    const lines: string[] = [];
    await leavesNothing(home.runDirectory, async () => {
      await using _ = await Broker.start({
        service,
        grpc,
        log: { sink: (line) => lines.push(line), level: "info" },
      });
      // The address that belongs to the service's name, without a word from us.
      await using host = launch(service);
      await soon(host.ready, "ready");
      using tick = host.input.ticks.acquire({
        data: new Uint8Array(1),
        schema_name: "tick",
        timestamp_ns: 0n,
      });
      host.input.ticks.send(tick);
      const results = host.output.ticks[Symbol.asyncIterator]();
      const { value } = await soon(results.next(), "an answer");
      value?.[Symbol.dispose]();
      using client = new PatientClient(grpc);
      const seen = async (): Promise<string> => {
        const { connections } = await client.call("ListConnections", {});
        const [one] = connections;
        return `${one?.derived_state} ${one?.frames_transferred}`;
      };
      let last = "";
      await until(
        "the statistics of both sides",
        async () => (last = await seen()) === "ready 2",
        () => last,
      );
      await soon(host.close(), "close");
    });
    assertStringIncludes(lines.join("\n"), '"ready"');
  },
);

permittedTest(
  "control over gRPC where nobody serves it says so",
  SERVING,
  async () => {
    const { Broker } = await import("../../broker/broker.ts");
    using home = isolatedHome();
    const service = "com.example.control.none";
    await using _ = await Broker.start({
      service,
      log: { sink: () => {}, level: "error" },
    });
    await using host = launch(service, `unix:${home.runDirectory}/none.grpc`);
    const failure = await soon(host.ended, "the end");
    assertEquals(failure?.code, "broker_unreachable");
    assertStringIncludes(failure!.message, "none.grpc");
  },
);

permittedTest(
  "control over gRPC without any broker is an error, not an embedded one",
  NEEDS,
  async () => {
    using _ = isolatedHome();
    await using host = ReactiveHost.launch({
      module: new URL("../fixtures/crashes_on_demand.ts", import.meta.url),
      control: "grpc",
    });
    const failure = await soon(host.ended, "the end");
    assertEquals(failure?.code, "broker_unreachable");
  },
);

permittedTest(
  "a client that cannot load its gRPC ends with the reason, also at the broker",
  SERVING,
  async () => {
    const { Case } = await import("../faults/stage.ts");
    const { carryOut } = await import("../faults/moments.ts");
    using home = isolatedHome();
    await leavesNothing(home.runDirectory, async () => {
      await using c = new Case(home.path);
      await using _broker = await c.broker(carryOut({}), c.grpc);
      const host = c.host({
        grpc: c.grpc,
        grpcClient: new URL("../fixtures/throws_at_import.ts", import.meta.url),
      });
      const failure = await soon(host.ended, "the failure");
      assertEquals(failure?.code, "client_failed");
      assertMatch(
        failure!.message,
        /exited with code 1.*control: "grpc" needs.*RangeError: this module cannot be loaded/s,
      );
      assert(!failure!.message.includes("SuppressedError"), failure!.message);
      await until("the broker's record", () => c.failureReason !== undefined);
      assertMatch(c.failureReason!, /^host reported: the client exited/);
    });
  },
);

permittedTest(
  "a gRPC client that is closed, or is given a token that no header can carry, says so",
  { net: true, env: true },
  async () => {
    const { GrpcClient } = await import("../../broker/grpc/grpc_client.ts");
    using client = new GrpcClient("unix:/tmp/nobody.grpc");
    const token = "one\ntwo";
    for (
      const refused of [
        client.call("GetHealth", {}, { token }),
        client.stream("TailLogs", {}, { token }).next(),
      ]
    ) {
      const words = await refusedCall(refused, "bad_argument");
      assert(!words.includes("one"), words);
    }
    client[Symbol.dispose]();
    await refusedCall(client.call("GetHealth", {}), "closed");
    const stream = client.stream("TailLogs", {});
    await refusedCall(stream.next(), "closed");
  },
);
