import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Caller } from "../../../../broker/calls/call_types.ts";
import { BridgeError } from "../../../../proto/errors.ts";
import {
  FakeBroker,
  grpc,
  refuses,
  xpc,
} from "../../../helpers/fake_broker.ts";

Deno.test("handlers: every call about a guarded connection needs the right token", async () => {
  const broker = new FakeBroker();
  const { unary, relay, stream } = broker.handlers;
  const { id, host, client } = await broker.guarded();
  const calls: Record<string, [(caller: Caller) => Promise<unknown>, string]> =
    {
      HostAlive: [(caller) => unary.HostAlive(caller, id), "host"],
      HostXpcReady: [(caller) => unary.HostXpcReady(caller, id), "host"],
      ClientAlive: [(caller) => unary.ClientAlive(caller, id), "client"],
      AckHost: [(c) => unary.MarkAcked(c, { ...id, side: "host" }), "host"],
      AckClient: [
        (c) => unary.MarkAcked(c, { ...id, side: "client" }),
        "client",
      ],
      StatsHost: [(c) => unary.ReportStats(c, { ...id, side: "host" }), "host"],
      StatsClient: [
        (c) => unary.ReportStats(c, { ...id, side: "client" }),
        "client",
      ],
      store_endpoint: [
        (caller) => relay.store_endpoint(caller, id, broker.world.endpoint()),
        "host",
      ],
      get_endpoint: [(caller) => relay.get_endpoint(caller, id), "client"],
      GetHostStatus: [(caller) => unary.GetHostStatus(caller, id), "either"],
      GetClientStatus: [
        (caller) => unary.GetClientStatus(caller, id),
        "either",
      ],
      GetConnectionInfo: [
        (caller) => unary.GetConnectionInfo(caller, id),
        "either",
      ],
      GetConnectionSchema: [
        (caller) => unary.GetConnectionSchema(caller, id),
        "either",
      ],
      WatchConnection: [
        (caller) =>
          stream.WatchConnection(caller, id)[Symbol.asyncIterator]().next(),
        "either",
      ],
      FailHost: [
        (c) => unary.ReportFailure(c, { ...id, side: "host" }),
        "host",
      ],
      FailClient: [
        (c) => unary.ReportFailure(c, { ...id, side: "client" }),
        "client",
      ],
      CloseConnection: [
        (caller) => unary.CloseConnection(caller, id),
        "either",
      ],
    };
  const secrets = [host.token!, client.token!];
  for (const [name, [call, side]] of Object.entries(calls)) {
    const before = await broker.states(id, host);
    const wrong = [
      xpc(3),
      xpc(3, ""),
      xpc(3, "0".repeat(64)),
      grpc(),
      ...(side === "host" ? [client] : side === "client" ? [host] : []),
    ];
    for (const caller of wrong) {
      const error = await assertRejects(() => call(caller), BridgeError);
      const early = name.endsWith("_endpoint") && caller.carrier === "grpc";
      assertEquals(error.code, early ? "bad_argument" : "not_permitted", name);
      for (const secret of secrets) assert(!error.message.includes(secret));
    }
    assertEquals(
      await broker.states(id, host),
      before,
      `${name} had an effect`,
    );
    await call(side === "client" ? client : host);
  }
  assertEquals(broker.world.endpoints.filter((e) => e.disposals > 1), []);
  const logged = JSON.stringify(broker.world.logLines);
  assert(broker.world.logLines.length > 0);
  for (const secret of secrets) assert(!logged.includes(secret));
});

Deno.test("handlers: nothing needs a token that is about no connection", async () => {
  const broker = new FakeBroker();
  await broker.guarded();
  const { unary } = broker.handlers;
  const { connections } = await unary.ListConnections(grpc(), {});
  assertEquals(connections.length, 1);
  assert(!JSON.stringify(connections).includes("token"));
  assertEquals((await unary.GetHealth(grpc(), {})).healthy, true);
  assertEquals((await unary.GetVersion(grpc(), {})).protocol_version, 1);
});

Deno.test("handlers: malformed requests", async () => {
  const broker = new FakeBroker();
  const { unary, relay, stream } = broker.handlers;
  const { connection_id } = await broker.allocate();
  const caller = xpc(1);
  const bad: [string, () => Promise<unknown>, string][] = [
    ["no id", () => unary.HostAlive(caller, {}), "connection_id"],
    [
      "an empty id",
      () => unary.GetConnectionInfo(caller, { connection_id: "" }),
      "empty",
    ],
    [
      "an id of another type",
      () => unary.CloseConnection(caller, { connection_id: 7 }),
      "7, expected a string",
    ],
    [
      "an id that is too long",
      () => unary.GetHostStatus(caller, { connection_id: "x".repeat(257) }),
      "256",
    ],
    [
      "a side that is neither",
      () => unary.MarkAcked(caller, { connection_id, side: "both" }),
      "host or client",
    ],
    [
      "no side",
      () => unary.ReportFailure(caller, { connection_id }),
      "host or client",
    ],
    [
      "negative statistics",
      () =>
        unary.ReportStats(caller, { connection_id, side: "host", frames: -1 }),
      "frames",
    ],
    ["no runtime", () => broker.allocate({ runtime_id: "" }), "runtime_id"],
    [
      "no processor",
      () => broker.allocate({ processor_id: "" }),
      "processor_id",
    ],
    [
      "a schema that is not JSON",
      () => broker.allocate({ schema_json: "{" }),
      "JSON",
    ],
    [
      "a schema that is too large",
      () => broker.allocate({ schema_json: `{"a":"${"x".repeat(50_000)}"}` }),
      "49152",
    ],
    [
      "a timeout of more than a day",
      () => broker.allocate({ timeout_secs: 86_401 }),
      "86400",
    ],
    [
      "a flag that is none",
      () => broker.allocate({ want_tokens: 1 }),
      "want_tokens",
    ],
    [
      "half of the credentials",
      () => broker.allocate({ connection_id: "ab".repeat(16) }),
      "are all needed",
    ],
    [
      "the same token twice",
      () =>
        broker.allocate({
          connection_id: "ab".repeat(16),
          host_token: "ab".repeat(32),
          client_token: "ab".repeat(32),
        }),
      "different",
    ],
    [
      "a token of the wrong length",
      () => broker.allocate({ host_token: "ab" }),
      "64 lower-case",
    ],
    [
      "no endpoint",
      () => relay.store_endpoint(caller, { connection_id }, undefined),
      "carries no endpoint",
    ],
    [
      "a wait that is none",
      () => relay.get_endpoint(caller, { connection_id, wait_ms: "1" }),
      "wait_ms",
    ],
    [
      "an endpoint over gRPC",
      () => relay.get_endpoint(grpc(), { connection_id }),
      "only XPC",
    ],
    [
      "a watch of nothing",
      () => Array.fromAsync(stream.WatchConnection(caller, {})),
      "connection_id",
    ],
  ];
  for (const [name, call, text] of bad) {
    const error = await assertRejects(call, BridgeError, text);
    assertEquals(error.code, "bad_argument", name);
  }
  assertEquals(
    await broker.states({ connection_id }, caller),
    "pending pending awaiting_both",
  );
  await refuses(
    () => relay.store_endpoint(caller, {}, broker.world.endpoint()),
    "bad_argument",
    "connection_id",
  );
  assertEquals(broker.world.disposals, [0, 1, 0]);
});
