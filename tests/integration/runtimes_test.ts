import { assert, assertEquals, assertRejects } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { BrokerLink } from "../../ffi/broker_link.ts";
import { Native } from "../../ffi/native.ts";
import { Runtime } from "../../host/runtime.ts";
import { BridgeError } from "../../proto/errors.ts";
import { MAX_DICTIONARY_BYTES, MAX_PATH_BYTES } from "../../proto/limits.ts";
import { XpcParty } from "../helpers/carriers.ts";
import { GRPC_NEEDS, PrivateDirectory } from "../helpers/grpc_fixture.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { refusedCall } from "../helpers/refused_call.ts";
import { soon, until } from "../helpers/soon.ts";

const NEEDS = { ...GRPC_NEEDS, service: true } as const;

function startBroker(grpc: string): Promise<Broker> {
  const random = crypto.randomUUID().replaceAll("-", "");
  return Broker.start({
    service: `com.example.test.${random}`,
    grpc,
    log: { sink: () => {} },
  });
}

/** A process that runs as long as this one, and would end by a signal. */
const FORGED_PID = 1;

permittedTest(
  "a runtime is dead when the kernel says so, and a forged pid changes nothing",
  NEEDS,
  () =>
    nativeLeavesNothing(async () => {
      const { PatientClient } = await import("../helpers/patient_client.ts");
      using directory = new PrivateDirectory();
      using native = Native.open();
      await using broker = await startBroker(`unix:${directory.path}/run/s`);
      using grpc = new PatientClient(broker.grpc!);
      using connected = new DisposableStack();
      const xpc = connected.use(new XpcParty(native, broker.service));
      const registered = await xpc.call("RegisterRuntime", {
        runtime_id: "x",
        name: "over XPC",
        pid: FORGED_PID,
      });
      assertEquals(registered, { answer: { success: true, error: "" } });
      await grpc.call("RegisterRuntime", {
        runtime_id: "g",
        name: "over gRPC",
        // No process can have this id. If the broker used it, the runtime would be dead.
        pid: 2 ** 31 - 1,
      });
      const { runtimes } = await grpc.call("ListRuntimes", {});
      assertEquals(runtimes.map(({ runtime_id, pid }) => [runtime_id, pid]), [
        ["x", Deno.pid],
        ["g", 2 ** 31 - 1],
      ]);
      assertEquals((await grpc.call("PruneDeadRuntimes", {})).pruned_count, 0);
      connected.dispose();
      let pruned: readonly string[] = [];
      await until("the death of the runtime", async () => {
        pruned = (await grpc.call("PruneDeadRuntimes", {})).pruned_names;
        return pruned.length > 0;
      });
      assertEquals(pruned, ["over XPC"]);
      assertEquals(
        (await grpc.call("ListRuntimes", {})).runtimes.map((r) => r.name),
        ["over gRPC"],
      );
      await refusedCall(grpc.call("GetRuntimeEndpoint", {}), "bad_argument");
    }),
);

permittedTest(
  "a list that no XPC message can carry is refused, and the broker goes on",
  NEEDS,
  () =>
    nativeLeavesNothing(async () => {
      const { PatientClient } = await import("../helpers/patient_client.ts");
      using directory = new PrivateDirectory();
      using native = Native.open();
      await using broker = await startBroker(`unix:${directory.path}/run/s`);
      using grpc = new PatientClient(broker.grpc!);
      using link = new BrokerLink(native, broker.service);
      const long = "x".repeat(MAX_PATH_BYTES);
      const count = Math.ceil(MAX_DICTIONARY_BYTES / (2 * MAX_PATH_BYTES));
      for (let at = 0; at < count; at++) {
        await link.call("RegisterRuntime", {
          runtime_id: `r${at}`,
          api_endpoint: long,
          log_path: long,
        });
        if (at === 0) {
          const { runtimes } = await link.call("ListRuntimes", {});
          assertEquals(
            runtimes,
            (await grpc.call("ListRuntimes", {})).runtimes,
          );
        }
      }
      const refused = refusedCall(
        link.call("ListRuntimes", {}),
        "bad_argument",
      );
      assert((await refused).includes("it is over 1 MiB"));
      assertEquals((await link.call("GetHealth", {})).healthy, true);
      const { runtimes } = await grpc.call("ListRuntimes", {});
      assertEquals(runtimes.length, count);
    }),
);

permittedTest(
  "the log of a broker can be followed over gRPC",
  NEEDS,
  () =>
    nativeLeavesNothing(async () => {
      const { PatientClient } = await import("../helpers/patient_client.ts");
      using directory = new PrivateDirectory();
      await using broker = await startBroker(`unix:${directory.path}/run/s`);
      using grpc = new PatientClient(broker.grpc!);
      const seen: string[] = [];
      const leave = new AbortController();
      const following = (async () => {
        const request = { follow: true, filter: "level=info" };
        const { signal } = leave;
        for await (
          const { records } of grpc.stream("TailLogs", request, { signal })
        ) {
          seen.push(
            ...records.map((r) => `${r.message} ${r.connection_id}`.trim()),
          );
        }
      })().catch(() => {}); // it is cancelled
      await until("the first record", () => seen[0] === "serving");
      const { connection_id } = await grpc.call("AllocateConnection", {
        runtime_id: "r",
        processor_id: "p",
      });
      const expected = `awaiting_both ${connection_id}`;
      await until(
        "the next record",
        () => seen.at(-1) === expected,
        () => seen.join("\n"),
      );
      leave.abort();
      await soon(following, "the end of the records");
      const filter = `connection_id=${connection_id} level=info runtime_id=r`;
      const [answer] = await soon(
        Array.fromAsync(grpc.stream("TailLogs", { filter })),
        "the records",
      );
      assertEquals(answer?.records.map(({ message }) => message), [
        "awaiting_both",
      ]);
      assert(answer?.records[0]?.fields_json.includes('"processor_id":"p"'));
      await refusedCall(
        soon(
          Array.fromAsync(grpc.stream("TailLogs", { filter: "x" })),
          "the refusal",
        ),
        "bad_argument",
      );
    }),
);

permittedTest(
  "a runtime is listed by a broker that comes later, and by each that follows it, until it is disposed",
  NEEDS,
  () =>
    nativeLeavesNothing(async () => {
      const { PatientClient } = await import("../helpers/patient_client.ts");
      using directory = new PrivateDirectory();
      const random = crypto.randomUUID().replaceAll("-", "");
      const service = `com.example.test.${random}`;
      const grpc = `unix:${directory.path}/run/s`;
      const start = (): Promise<Broker> =>
        Broker.start({ service, grpc, log: { sink: () => {} } });
      await using entered = new AsyncDisposableStack();
      const runtime = entered.use(
        new Runtime({
          runtimeId: "studio-1",
          name: "Studio",
          broker: service,
        }),
      );
      for (let life = 0; life < 3; life++) {
        await using _ = await start();
        await soon(runtime.registered, "the entry");
        using client = new PatientClient(grpc);
        const listed = async (): Promise<string[]> =>
          (await client.call("ListRuntimes", {})).runtimes.map(
            ({ name, pid }) => `${name} ${pid === Deno.pid}`,
          );
        let names: string[] = [];
        await until("the list", async () => {
          names = await listed();
          return names.length > 0;
        });
        assertEquals(names, ["Studio true"]);
        if (life < 2) continue;
        await soon(entered.disposeAsync(), "the runtime's end");
        assertEquals(await listed(), []);
      }
    }),
);

Deno.test("a runtime that is disposed before there was a broker says so", () =>
  nativeLeavesNothing(async () => {
    const runtime = new Runtime({
      runtimeId: "studio-1",
      name: "Studio",
      broker: "com.example.test.nobody",
    });
    await soon(runtime[Symbol.asyncDispose](), "the runtime's end");
    const { code } = await assertRejects(
      () => soon(runtime.registered, "the end of its entry"),
      BridgeError,
    );
    assertEquals(code, "closed");
  }));
