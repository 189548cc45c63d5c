import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { HINT } from "../../../../proto/wire/keys.ts";
import {
  FakeBroker,
  grpc,
  refuses,
  xpc,
} from "../../../helpers/fake_broker.ts";
import { testProcess } from "../../../helpers/registry.ts";

Deno.test("handlers: the whole handshake, over XPC with tokens", async () => {
  const broker = new FakeBroker();
  const { unary, relay } = broker.handlers;
  const { id, host, client } = await broker.guarded();
  assertEquals(await broker.states(id, host), "pending pending awaiting_both");
  assertEquals(
    await relay.store_endpoint(host, id, broker.world.endpoint()),
    { success: true, client_state: "pending", client_poll_count: 0 },
  );
  assertEquals(
    await broker.states(id, host),
    "xpc_ready pending awaiting_client",
  );
  const answer = await relay.get_endpoint(client, id);
  assert(answer.found);
  assertEquals(
    [answer.host_state, answer.polls_until_success, answer.wait_time_ms],
    ["xpc_ready", 1, 0],
  );
  assertEquals(
    await unary.MarkAcked(client, { ...id, side: "client" }),
    { success: true, connection_state: "awaiting_ack", error: "" },
  );
  assertEquals(
    await unary.MarkAcked(host, { ...id, side: "host" }),
    { success: true, connection_state: "ready", error: "" },
  );
  assertEquals(broker.world.disposals, [1, 1, 0]); // the carrier owns the copy
  // The broker answers at once, because no endpoint can be stored now.
  assertEquals(await relay.get_endpoint(client, { ...id, wait_ms: 1000 }), {
    found: false,
    reason: "endpoint_released",
    hint: HINT.endpointReleased,
  });
  assertEquals<unknown>(
    await relay.get_endpoint(xpc(3, client.token), { ...id, wait_ms: 1000 }),
    { found: false, reason: "already_delivered", hint: HINT.alreadyDelivered },
  );
});

Deno.test("handlers: a foreign client over gRPC, without tokens", async () => {
  const { handlers: { unary }, ...broker } = new FakeBroker();
  const made = await unary.AllocateConnection(grpc(), {
    runtime_id: "r",
    processor_id: "p",
  });
  assertEquals([made.success, made.host_token, made.client_token], [
    true,
    "",
    "",
  ]);
  const id = { connection_id: made.connection_id };
  const any = grpc();
  assertEquals(await unary.HostAlive(any, id), {
    success: true,
    client_state: "pending",
    error: "",
  });
  assertEquals(await unary.ClientAlive(any, id), {
    success: true,
    host_state: "alive",
    error: "",
  });
  const early = await unary.HostXpcReady(any, id);
  assertEquals([early.success, early.client_state], [false, "alive"]);
  assertStringIncludes(early.error, "host is alive");
  broker.registry.store(made.connection_id, broker.world.endpoint());
  assert((await unary.HostXpcReady(any, id)).success);
  assertEquals(await unary.GetHostStatus(any, id), { host_state: "xpc_ready" });
  assertEquals(await unary.GetClientStatus(any, id), { client_state: "alive" });
  const acked = await unary.MarkAcked(any, { ...id, side: "host" });
  assertEquals(
    [acked.success, acked.connection_state],
    [false, "awaiting_client_to_retrieve_endpoint"],
  );
  assertStringIncludes(acked.error, "has not received the endpoint");
  assertEquals(await unary.CloseConnection(any, { ...id, reason: "bye" }), {
    success: true,
  });
  assertEquals(await unary.CloseConnection(any, id), { success: true });
  const info = await unary.GetConnectionInfo(any, id);
  assertEquals(
    [info.derived_state, info.failure_reason],
    ["closed", "closed: bye"],
  );
  const late = await unary.HostAlive(any, id);
  assertEquals(late.success, false);
  assertStringIncludes(late.error, "host is failed");
  assertStringIncludes(late.error, "closed: bye");
});

Deno.test("handlers: an unknown connection is an answer, not an error", async () => {
  const { handlers: { unary, relay, stream }, world } = new FakeBroker();
  const id = { connection_id: "nobody" };
  const caller = xpc(1);
  const why = "connection_not_found: Check STREAMLIB_CONNECTION_ID";
  const failed = { success: false, error: why };
  assertEquals(await unary.HostAlive(caller, id), {
    ...failed,
    client_state: "not_found",
  });
  assertEquals(await unary.HostXpcReady(caller, id), {
    ...failed,
    client_state: "not_found",
  });
  assertEquals(await unary.ClientAlive(caller, id), {
    ...failed,
    host_state: "not_found",
  });
  assertEquals(await unary.GetHostStatus(caller, id), {
    host_state: "not_found",
  });
  assertEquals(await unary.GetClientStatus(caller, id), {
    client_state: "not_found",
  });
  assertEquals(await unary.MarkAcked(caller, { ...id, side: "host" }), {
    ...failed,
    connection_state: "not_found",
  });
  assertEquals(
    await unary.ReportFailure(caller, { ...id, side: "host" }),
    failed,
  );
  assertEquals(await unary.ReportStats(caller, { ...id, side: "host" }), {
    success: false,
  });
  assertEquals(await unary.CloseConnection(caller, id), { success: false });
  assertEquals(await unary.GetConnectionSchema(caller, id), {
    found: false,
    schema_json: "",
  });
  const info = await unary.GetConnectionInfo(caller, id);
  assertEquals(
    [info.found, info.host_state, info.derived_state, info.failure_reason],
    [false, "not_found", "not_found", why],
  );
  assertEquals(
    await relay.store_endpoint(caller, id, world.endpoint()),
    {
      success: false,
      error: "connection_not_found",
      hint: "Check STREAMLIB_CONNECTION_ID",
    },
  );
  assertEquals(world.disposals, [0, 1, 0]);
  assertEquals(await relay.get_endpoint(caller, id), {
    found: false,
    error: "connection_not_found",
    hint: "Check STREAMLIB_CONNECTION_ID",
  });
  const events = await Array.fromAsync(stream.WatchConnection(caller, id));
  assertEquals(
    events.map((event) => [event.found, event.derived_state]),
    [[false, "not_found"]],
  );
});

Deno.test("handlers: a restarted broker adopts a connection again by id and tokens", async () => {
  const before = new FakeBroker();
  const made = await before.allocate({ want_tokens: true }, xpc(1));
  const held = {
    connection_id: made.connection_id,
    host_token: made.host_token,
    client_token: made.client_token,
  };
  const broker = new FakeBroker();
  const { unary, relay } = broker.handlers;
  assertEquals(await broker.allocate(held, xpc(5)), made);
  assertEquals(await broker.allocate(held, xpc(6)), made);
  broker.registry.peerLost(5);
  const id = { connection_id: made.connection_id };
  const stored = await relay.store_endpoint(
    xpc(6, made.host_token),
    id,
    broker.world.endpoint(),
  );
  assert(stored.success);
  const client = xpc(7, made.client_token);
  assertEquals((await relay.get_endpoint(client, id)).found, true);
  for (const wrong of ["host_token", "client_token"] as const) {
    await refuses(
      () => broker.allocate({ ...held, [wrong]: "0".repeat(64) }, xpc(8)),
      "not_permitted",
      `wrong token for side ${wrong.split("_")[0]}`,
    );
  }
  await unary.CloseConnection(client, id);
  const late = await broker.allocate(held, xpc(6));
  assertEquals([late.success, late.connection_id], [false, ""]);
  assertStringIncludes(late.error, "closed: no reason given");
});

Deno.test("handlers: a connection without tokens cannot be adopted by inventing some", async () => {
  const broker = new FakeBroker();
  const { connection_id } = await broker.allocate();
  await refuses(
    () =>
      broker.allocate({
        connection_id,
        host_token: "ab".repeat(32),
        client_token: "cd".repeat(32),
      }),
    "not_permitted",
    "wrong token",
  );
});

Deno.test("handlers: a full quota is an answer with the reason", async () => {
  const broker = new FakeBroker();
  const flooder = { ...grpc(), process: testProcess(7) };
  for (let i = 0; i < 4096; i++) {
    assert((await broker.allocate({}, flooder)).success);
  }
  const full = await broker.allocate({}, flooder);
  assertEquals([full.success, full.connection_id], [false, ""]);
  assertStringIncludes(full.error, "process 7 has 4096 of 4096 connections");
  assertEquals(broker.world.logLines.at(-1)?.["pid"], 7);
  assert((await broker.allocate({ runtime_id: "other" })).success);
});

Deno.test("handlers: a peer's end is its side's end, whatever call bound it", async () => {
  for (const who of ["host", "client"] as const) {
    const broker = new FakeBroker();
    const { unary } = broker.handlers;
    const { id, host, client } = await broker.guarded();
    await unary.ClientAlive(client, id);
    broker.registry.peerLost(who === "host" ? 1 : 2);
    const info = await unary.GetConnectionInfo(grpc(host.token), id);
    assertStringIncludes(info.failure_reason, `${who} lost`);
  }
});
