import { assertEquals } from "@std/assert";
import { createHandlers } from "../../../../broker/calls/handlers.ts";
import { Runtimes } from "../../../../broker/registry/runtimes.ts";
import {
  FakeBroker,
  grpc,
  refuses,
  xpc,
} from "../../../helpers/fake_broker.ts";
import { FakeWorld } from "../../../helpers/fake_world.ts";

const CAMERA = {
  runtime_id: "r",
  name: "camera",
  api_endpoint: "unix:/api",
  log_path: "/var/log/camera",
  pid: 42,
};

Deno.test("handlers: a runtime is listed with its processors and connections", async () => {
  const broker = new FakeBroker();
  const { unary } = broker.handlers;
  assertEquals(await unary.RegisterRuntime(grpc(), CAMERA), {
    success: true,
    error: "",
  });
  const registered_at_unix_ms = broker.world.clock.now();
  const failing = await broker.allocate({ processor_id: "p" });
  await broker.allocate({ processor_id: "p" });
  await broker.allocate({ processor_id: "p" });
  await broker.allocate({ processor_id: "q" });
  await broker.allocate({ runtime_id: "another" });
  await unary.CloseConnection(grpc(), failing);
  assertEquals(await unary.ListRuntimes(grpc(), {}), {
    runtimes: [{
      ...CAMERA,
      registered_at_unix_ms,
      processor_count: 2,
      connection_count: 3,
      status: "alive",
    }],
  });
});

Deno.test("handlers: the pid of an XPC peer is the kernel's, whatever it says", async () => {
  const { handlers: { unary } } = new FakeBroker();
  await unary.RegisterRuntime(xpc(5), CAMERA);
  const { runtimes: [runtime] } = await unary.ListRuntimes(grpc(), {});
  assertEquals(runtime?.pid, 105);
});

Deno.test("handlers: GetRuntimeEndpoint goes by id or by name, and needs one of them", async () => {
  const { handlers: { unary } } = new FakeBroker();
  await unary.RegisterRuntime(grpc(), CAMERA);
  const { pid: _, ...endpoint } = CAMERA;
  const found = { found: true, ...endpoint };
  const none = {
    found: false,
    runtime_id: "",
    name: "",
    api_endpoint: "",
    log_path: "",
  };
  const get = (query: object): Promise<object> =>
    unary.GetRuntimeEndpoint(grpc(), query);
  assertEquals(await get({ runtime_id: "r" }), found);
  assertEquals(await get({ name: "camera" }), found);
  assertEquals(await get({ runtime_id: "camera" }), none);
  assertEquals(await get({ name: "r" }), none);
  await refuses(() => get({}), "bad_argument", "neither name nor runtime_id");
  await refuses(() => get({ name: "" }), "bad_argument", "neither");
});

Deno.test("handlers: PruneDeadRuntimes names the dead", async () => {
  const world = new FakeWorld();
  const runtimes = new Runtimes(world.clock.now);
  const { unary } = createHandlers({
    registry: world.registry(),
    runtimes,
    dup: (endpoint) => endpoint.dup(),
    log: world.log,
    now: world.clock.now,
  });
  await unary.RegisterRuntime(xpc(1), CAMERA);
  await unary.RegisterRuntime(grpc(), { ...CAMERA, runtime_id: "g" });
  const none = { pruned_count: 0, pruned_names: [] };
  assertEquals(await unary.PruneDeadRuntimes(grpc(), {}), none);
  runtimes.peerLost(1);
  assertEquals(await unary.PruneDeadRuntimes(grpc(), {}), {
    pruned_count: 1,
    pruned_names: ["camera"],
  });
  assertEquals(await unary.UnregisterRuntime(grpc(), { runtime_id: "r" }), {
    success: false,
  });
  assertEquals(await unary.UnregisterRuntime(grpc(), { runtime_id: "g" }), {
    success: true,
  });
});

Deno.test("handlers: a gRPC runtime with a connection is not pruned, one whose connections failed is", async () => {
  const broker = new FakeBroker();
  const { unary } = broker.handlers;
  await unary.RegisterRuntime(grpc(), CAMERA);
  broker.world.clock.advance(24 * 60 * 60 * 1000);
  const id = await broker.allocate();
  assertEquals((await unary.PruneDeadRuntimes(grpc(), {})).pruned_count, 0);
  await unary.CloseConnection(grpc(), id);
  assertEquals((await unary.PruneDeadRuntimes(grpc(), {})).pruned_count, 1);
});

Deno.test("handlers: ListProcessors has a row for each processor, by its newest connection that lives", async () => {
  const broker = new FakeBroker();
  const { unary } = broker.handlers;
  const first = await broker.allocate({ processor_type: "Blur" });
  await broker.allocate({ processor_id: "q" });
  await broker.allocate({ runtime_id: "s" });
  await unary.ReportFailure(grpc(), { ...first, side: "client", reason: "x" });
  const rows = async (runtime_id = ""): Promise<string[]> =>
    (await unary.ListProcessors(grpc(), { runtime_id })).processors.map((row) =>
      [row.runtime_id, row.processor_id, row.processor_type, row.bridge_state]
        .join(" ")
    );
  assertEquals(await rows(), [
    "r p Blur failed",
    "r q  awaiting_both",
    "s p  awaiting_both",
  ]);
  broker.world.clock.advance(1000);
  const second = await broker.allocate({ processor_type: "Blur 2" });
  await unary.HostAlive(grpc(), second);
  assertEquals(await rows("r"), [
    "r p Blur 2 awaiting_client",
    "r q  awaiting_both",
  ]);
  const third = await broker.allocate({ processor_type: "Blur 3" });
  await unary.CloseConnection(grpc(), third);
  assertEquals((await rows("r"))[0], "r p Blur 2 awaiting_client");
  const { processors: [row] } = await unary.ListProcessors(grpc(), {});
  assertEquals(row?.registered_at_unix_ms, broker.world.clock.now());
});

Deno.test("handlers: what a runtime says of itself is checked", async () => {
  const { handlers: { unary } } = new FakeBroker();
  const register = (fields: object) => (): Promise<unknown> =>
    unary.RegisterRuntime(grpc(), { ...CAMERA, ...fields });
  await refuses(register({ runtime_id: "" }), "bad_argument", "runtime_id");
  await refuses(register({ name: "a\x1b" }), "bad_argument", "name");
  await refuses(register({ pid: -1 }), "bad_argument", "pid");
  await refuses(register({ pid: 2 ** 31 }), "bad_argument", "pid");
  const path = "/".padEnd(4096, "p");
  await register({ log_path: path, api_endpoint: path, pid: 2 ** 31 - 1 })();
  await refuses(register({ log_path: `${path}p` }), "bad_argument", "log_path");
  await refuses(
    register({ api_endpoint: `${path}p` }),
    "bad_argument",
    "api_endpoint",
  );
});
