import { assert, assertEquals, assertRejects } from "@std/assert";
import { createHandlers } from "../../../../broker/calls/handlers.ts";
import { BridgeError } from "../../../../proto/errors.ts";
import { FakeBroker, grpc, xpc } from "../../../helpers/fake_broker.ts";
import {
  type FakeEndpoint,
  FakeWorld,
  settle,
} from "../../../helpers/fake_world.ts";

Deno.test("handlers: any call that proves a side says that it is there", async () => {
  const broker = new FakeBroker();
  const { unary } = broker.handlers;
  const { id, host, client } = await broker.guarded();
  broker.world.clock.advance(1000);
  const now = broker.world.clock.now();
  await unary.GetClientStatus(host, id);
  const info = await unary.GetConnectionInfo(host, id);
  assertEquals([info.host_last_seen_unix_ms, info.client_last_seen_unix_ms], [
    now,
    0,
  ]);
  assertEquals(info.host_state, "pending"); // only a relay message or HostAlive makes it alive
  await unary.MarkAcked(client, { ...id, side: "client" }); // refused, but it counts as a sign of life
  const later = await unary.GetConnectionInfo(host, id);
  assertEquals(later.client_last_seen_unix_ms, now);
});

Deno.test("handlers: WatchConnection tells every change, the current state first", async () => {
  const broker = new FakeBroker();
  const { unary, stream } = broker.handlers;
  const { id, host, client } = await broker.guarded();
  const watching = Array.fromAsync(stream.WatchConnection(client, id));
  await settle();
  await unary.HostAlive(host, id);
  await unary.HostAlive(host, id);
  await broker.handlers.relay.store_endpoint(
    host,
    id,
    broker.world.endpoint(),
  );
  await unary.ReportFailure(host, { ...id, side: "host", reason: "no GPU" });
  assertEquals(
    (await watching).map((event) => [
      event.found,
      event.host_state,
      event.derived_state,
      event.host_xpc_endpoint_stored,
      event.failure_reason,
    ]),
    [
      [true, "pending", "awaiting_both", false, ""],
      [true, "alive", "awaiting_client", false, ""],
      [true, "xpc_ready", "awaiting_client", true, ""],
      [true, "failed", "failed", false, "host reported: no GPU"],
    ],
  );
});

Deno.test("handlers: GetConnectionInfo and ListConnections tell the whole story", async () => {
  const broker = new FakeBroker();
  const { unary, relay } = broker.handlers;
  const start = broker.world.clock.now();
  const made = await broker.allocate(
    { want_tokens: true, timeout_secs: 60, schema_json: '{"inputs":[]}' },
    xpc(1),
  );
  const id = { connection_id: made.connection_id };
  const [host, client] = [xpc(1, made.host_token), xpc(2, made.client_token)];
  assertEquals(await unary.GetConnectionSchema(client, id), {
    found: true,
    schema_json: '{"inputs":[]}',
  });
  const tick = (): void => broker.world.clock.advance(1000);
  tick();
  await relay.get_endpoint(client, id);
  tick();
  await relay.store_endpoint(host, id, broker.world.endpoint());
  tick();
  await relay.get_endpoint(client, id);
  tick();
  await unary.MarkAcked(client, { ...id, side: "client" });
  tick();
  await unary.MarkAcked(host, { ...id, side: "host" });
  tick();
  const stats = {
    path: "lane",
    frames: 5n,
    bytes: 70,
    dropped: 1,
    p50_us: 0.5,
    p99_us: 7,
  };
  const settings_json = '{"amount":0.5}';
  await unary.ReportStats(host, {
    ...id,
    side: "host",
    ...stats,
    hangs: 3,
    settings_json,
  });
  await unary.ReportStats(client, {
    ...id,
    side: "client",
    ...stats,
    p50_us: 2.5,
    p99_us: 6,
  });
  assertEquals(await unary.GetConnectionInfo(host, id), {
    found: true,
    host_state: "acked",
    client_state: "acked",
    derived_state: "ready",
    host_xpc_endpoint_stored: false,
    client_connected: true,
    age_secs: 6,
    timeout_secs: 60,
    poll_count: 2,
    wait_ms: 2000,
    created_at_unix_ms: start,
    host_alive_at_unix_ms: start + 2000,
    endpoint_stored_at_unix_ms: start + 2000,
    first_endpoint_request_at_unix_ms: start + 1000,
    endpoint_delivered_at_unix_ms: start + 3000,
    host_acked_at_unix_ms: start + 5000,
    client_acked_at_unix_ms: start + 4000,
    ready_at_unix_ms: start + 5000,
    failed_at_unix_ms: 0,
    host_last_seen_unix_ms: start + 6000,
    client_last_seen_unix_ms: start + 6000,
    failure_reason: "",
    path: "lane",
  });
  await broker.allocate({ runtime_id: "other" });
  const listed = await unary.ListConnections(grpc(), { runtime_id: "r" });
  assertEquals(listed.connections, [{
    connection_id: made.connection_id,
    runtime_id: "r",
    processor_id: "p",
    role: "host",
    established_at_unix_ms: start + 5000,
    frames_transferred: 10,
    bytes_transferred: 140,
    host_state: "acked",
    client_state: "acked",
    derived_state: "ready",
    age_secs: 6,
    timeout_secs: 60,
    failure_reason: "",
    dropped_frames: 2,
    p50_us: 2.5,
    p99_us: 7,
    path: "lane",
    host_dropped_frames: 1,
    client_dropped_frames: 1,
    hangs: 3,
    settings_json,
  }]);
  for (const wrong of ["[1]", "{", `{"a":"${"b".repeat(256)}"}`]) {
    await assertRejects(
      async () =>
        await unary.ReportStats(host, {
          ...id,
          side: "host",
          ...stats,
          settings_json: wrong,
        }),
      BridgeError,
      "settings_json",
    );
  }
  const all = await unary.ListConnections(grpc(), {});
  assertEquals(all.connections.length, 2);
  assertEquals((await unary.GetHealth(grpc(), {})).uptime_secs, 6);
});

Deno.test("handlers: whole numbers go out, also with a clock of fractions", async () => {
  const world = new FakeWorld();
  const now = (): number => world.clock.now() + 0.75;
  const registry = world.registry({ now });
  const { unary } = createHandlers<FakeEndpoint>({
    registry,
    dup: (endpoint) => endpoint.dup(),
    log: world.log,
    now,
  });
  const { connection_id } = await unary.AllocateConnection(grpc(), {
    runtime_id: "r",
    processor_id: "p",
  });
  const info = await unary.GetConnectionInfo(grpc(), { connection_id });
  for (const value of Object.values(info)) {
    if (typeof value === "number") assert(Number.isInteger(value));
  }
});
