import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Handlers, UnaryHandler } from "../../broker/calls/call_types.ts";
import { createHandlers } from "../../broker/calls/handlers.ts";
import { checkVersion } from "../../proto/wire/control.ts";
import { type FakeEndpoint, FakeWorld } from "../helpers/fake_world.ts";
import { GRPC_NEEDS, serveControlPlane } from "../helpers/grpc_fixture.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { refusedCall } from "../helpers/refused_call.ts";
import { soon, until } from "../helpers/soon.ts";

const SANITIZED = { sanitizeOps: true, sanitizeResources: true };

function realHandlers(world: FakeWorld): Handlers<FakeEndpoint> {
  return createHandlers({
    registry: world.registry(),
    dup: (endpoint) => endpoint.dup(),
    log: world.log,
    now: world.clock.now,
  });
}

/** Collects all responses of a stream. */
function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  return soon(Array.fromAsync(stream), "the end of the stream");
}

permittedTest(
  "a connection goes from allocation to ready over gRPC",
  GRPC_NEEDS,
  async () => {
    const world = new FakeWorld();
    const handlers = realHandlers(world);
    await using served = await serveControlPlane(handlers);
    const { client } = served;
    const allocated = await client.call("AllocateConnection", {
      runtime_id: "runtime",
      processor_id: "blur",
      schema_json: '{"inputs":[],"outputs":[]}',
      want_tokens: true,
    });
    assertEquals(allocated.success, true, allocated.error);
    const { connection_id, host_token, client_token } = allocated;
    const asHost = { token: host_token };
    const asClient = { token: client_token };
    const id = { connection_id };
    const xpc = {
      carrier: "xpc" as const,
      signal: new AbortController().signal,
    };

    const watched: string[] = [];
    const watching = (async () => {
      for await (const event of client.stream("WatchConnection", id, asHost)) {
        watched.push(event.derived_state);
      }
    })().catch((error) => void watched.push(String(error)));
    await until("the first event", () => watched.length === 1);

    assertEquals(await client.call("HostAlive", id, asHost), {
      success: true,
      client_state: "pending",
      error: "",
    });
    assertEquals(
      (await client.call("HostXpcReady", id, asHost)).success,
      false,
    );
    assertEquals(await client.call("ClientAlive", id, asClient), {
      success: true,
      host_state: "alive",
      error: "",
    });
    const stored = await handlers.relay.store_endpoint(
      { ...xpc, token: host_token, peer: { id: 1, pid: 1, euid: 0 } },
      id,
      world.endpoint(),
    );
    assertEquals(stored.success, true);
    assertEquals((await client.call("HostXpcReady", id, asHost)).success, true);
    using delivered = await handlers.relay.get_endpoint(
      { ...xpc, token: client_token, peer: { id: 2, pid: 2, euid: 0 } },
      id,
    ).then((answer) => {
      if (!answer.found) throw new Error("not delivered");
      return answer.endpoint;
    });
    assert(delivered);
    const acked = { connection_id, side: "host" };
    assertEquals(await client.call("MarkAcked", acked, asHost), {
      success: true,
      connection_state: "awaiting_ack",
      error: "",
    });
    assertEquals(
      await client.call(
        "MarkAcked",
        { connection_id, side: "client" },
        asClient,
      ),
      { success: true, connection_state: "ready", error: "" },
    );
    assertEquals(await client.call("GetHostStatus", id, asClient), {
      host_state: "acked",
    });
    assertEquals(await client.call("GetClientStatus", id, asHost), {
      client_state: "acked",
    });
    assertEquals(await client.call("GetConnectionSchema", id, asClient), {
      found: true,
      schema_json: '{"inputs":[],"outputs":[]}',
    });
    assertEquals(
      await client.call("ReportStats", {
        connection_id,
        side: "client",
        path: "lane",
        frames: 60,
        bytes: 5_000_000_000,
        p50_us: 0.3,
      }, asClient),
      { success: true },
    );
    const { connections } = await client.call("ListConnections", {});
    assertEquals(
      connections.map((c) => [c.derived_state, c.bytes_transferred]),
      [
        ["ready", 5_000_000_000],
      ],
    );
    assertEquals(
      await client.call(
        "CloseConnection",
        { connection_id, reason: "done" },
        asHost,
      ),
      { success: true },
    );
    await soon(watching, "the end of the watch");
    assertEquals(watched.at(0), "awaiting_both");
    assertEquals(watched.slice(-2), ["ready", "closed"]);
    assertEquals(served.logLines, []);
  },
  SANITIZED,
);

permittedTest(
  "gRPC answers exactly what the handlers answer",
  GRPC_NEEDS,
  async () => {
    const world = new FakeWorld();
    const { unary, stream } = realHandlers(world);
    await using served = await serveControlPlane({ unary, stream });
    const { client } = served;
    const caller = {
      carrier: "grpc" as const,
      signal: new AbortController().signal,
    };
    const { connection_id } = await client.call("AllocateConnection", {
      runtime_id: "runtime",
      processor_id: "blur",
    });
    const report = { connection_id, side: "host", reason: "no GPU" };
    const stats = { connection_id, side: "host", path: "lane", frames: 3 };
    const requests: Partial<Record<keyof typeof unary, object>> = {
      GetHealth: {},
      GetVersion: {},
      HostAlive: { connection_id },
      HostXpcReady: { connection_id },
      ClientAlive: { connection_id },
      GetClientStatus: { connection_id },
      GetHostStatus: { connection_id },
      GetConnectionInfo: { connection_id },
      GetConnectionSchema: { connection_id },
      MarkAcked: { connection_id, side: "host" },
      ReportStats: stats,
      ListConnections: {},
      RegisterRuntime: { runtime_id: "runtime", name: "camera", pid: 42 },
      ListRuntimes: {},
      GetRuntimeEndpoint: { name: "camera" },
      ListProcessors: { runtime_id: "runtime" },
      PruneDeadRuntimes: {},
      // Nobody's: the others change while they are read.
      ReadLogs: { filter: "component=nobody" },
      UnregisterRuntime: { runtime_id: "unknown" },
      ReportFailure: report,
      CloseConnection: { connection_id, reason: "done" },
    };
    assertEquals(
      Object.keys(unary).sort(),
      [...Object.keys(requests), "AllocateConnection"].sort(),
    );
    for (const [name, request] of Object.entries(requests)) {
      const method = name as keyof typeof unary;
      // Repeated calls have the same result; the direct call is the third.
      await client.call(method, request);
      const overGrpc = await client.call(method, request);
      const direct = await (unary[method] as UnaryHandler<object>)(
        caller,
        request,
      );
      assertEquals({ ...overGrpc }, { ...direct } as typeof overGrpc, name);
    }
  },
  SANITIZED,
);

permittedTest(
  "an unknown connection is an answer, not an error",
  GRPC_NEEDS,
  async () => {
    await using served = await serveControlPlane(realHandlers(new FakeWorld()));
    const { client } = served;
    const unknown = { connection_id: "ab".repeat(16) };
    assertEquals((await client.call("HostAlive", unknown)).success, false);
    assertEquals(
      (await client.call("GetConnectionInfo", unknown)).found,
      false,
    );
    assertEquals(await client.call("GetHostStatus", unknown), {
      host_state: "not_found",
    });
    const events = await all(
      client.stream("WatchConnection", unknown),
    );
    assertEquals(events.map(({ found }) => found), [false]);
  },
  SANITIZED,
);

permittedTest(
  "what handlers throw becomes the status it should",
  GRPC_NEEDS,
  async () => {
    await using served = await serveControlPlane(realHandlers(new FakeWorld()));
    const { client } = served;
    assertStringIncludes(
      await refusedCall(client.call("HostAlive", {}), "bad_argument"),
      "connection_id",
    );
    const { connection_id } = await client.call("AllocateConnection", {
      runtime_id: "runtime",
      processor_id: "blur",
      want_tokens: true,
    });
    await refusedCall(
      client.call("HostAlive", { connection_id }),
      "not_permitted",
    );
    await refusedCall(
      client.call("HostAlive", { connection_id }, { token: "00".repeat(32) }),
      "not_permitted",
    );
    await refusedCall(
      all(client.stream("WatchConnection", { connection_id })),
      "not_permitted",
    );
  },
  SANITIZED,
);

permittedTest(
  "a handler's fault is logged, and not told to the caller",
  GRPC_NEEDS,
  async () => {
    await using served = await serveControlPlane({
      unary: {
        GetHealth: () => Promise.reject(new Error("the secret")),
        GetVersion: () => {
          throw new Error("the secret");
        },
      },
      stream: {
        WatchConnection: async function* (): AsyncGenerator<object> {
          yield { connection_id: "1" };
          throw new Error("the secret");
        },
      },
    });
    const { client, logLines } = served;
    const told = [
      await refusedCall(client.call("GetHealth", {}), "broker_lost"),
      await refusedCall(client.call("GetVersion", {}), "broker_lost"),
      await refusedCall(
        all(client.stream("WatchConnection", {})),
        "broker_lost",
      ),
    ];
    assertEquals(told.filter((text) => text.includes("secret")), []);
    assertEquals(
      logLines.map(({ level, call, error }) => [level, call, error]),
      [
        ["error", "GetHealth", "Error: the secret"],
        ["error", "GetVersion", "Error: the secret"],
        ["error", "WatchConnection", "Error: the secret"],
      ],
    );
  },
  SANITIZED,
);

permittedTest(
  "a call without a handler is UNIMPLEMENTED",
  GRPC_NEEDS,
  async () => {
    await using served = await serveControlPlane();
    const { client } = served;
    assertStringIncludes(
      await refusedCall(client.call("ListRuntimes", {}), "version_mismatch"),
      "does not serve ListRuntimes",
    );
    await refusedCall(
      all(client.stream("TailLogs", {})),
      "version_mismatch",
    );
  },
  SANITIZED,
);

permittedTest(
  "a request over 64 KiB is refused, one of 64 KiB is served",
  GRPC_NEEDS,
  async () => {
    await using served = await serveControlPlane({
      unary: {
        CloseConnection: (_caller, request) =>
          Promise.resolve({
            success: (request as { reason: string }).reason.length > 0,
          }),
      },
    });
    const { client } = served;
    const reasonBytes = 64 * 1024 - 4; // its key and length take four
    assertEquals(
      await client.call("CloseConnection", { reason: "x".repeat(reasonBytes) }),
      { success: true },
    );
    await refusedCall(
      client.call("CloseConnection", { reason: "x".repeat(reasonBytes + 1) }),
      "bad_argument",
    );
  },
  SANITIZED,
);

permittedTest(
  "cancelling a call aborts its handler's signal, an answer does not",
  GRPC_NEEDS,
  async () => {
    const signals: AbortSignal[] = [];
    await using served = await serveControlPlane({
      unary: {
        GetHealth: (caller) => {
          signals.push(caller.signal);
          return new Promise((resolve) =>
            caller.signal.addEventListener("abort", () => resolve({}))
          );
        },
        GetVersion: (caller) => {
          signals.push(caller.signal);
          return Promise.resolve({});
        },
      },
    });
    const { client } = served;
    await client.call("GetVersion", {});
    const abort = new AbortController();
    const call = client.call("GetHealth", {}, { signal: abort.signal });
    await until("the call to arrive", () => signals.length === 2);
    abort.abort();
    await refusedCall(call, "aborted");
    await until("the signal", () => signals[1]?.aborted === true);
    assertEquals(signals[0]?.aborted, false);
  },
  SANITIZED,
);

permittedTest(
  "leaving a stream's loop ends its handler",
  GRPC_NEEDS,
  async () => {
    let ended = 0;
    await using served = await serveControlPlane({
      stream: {
        WatchConnection: async function* (caller): AsyncGenerator<object> {
          try {
            yield { connection_id: "1" };
            await new Promise((resolve) =>
              caller.signal.addEventListener("abort", resolve)
            );
          } finally {
            ended++;
          }
        },
      },
    });
    const readOne = async (): Promise<void> => {
      for await (
        const { connection_id } of served.client.stream("WatchConnection", {})
      ) {
        assertEquals(connection_id, "1");
        break;
      }
    };
    await soon(readOne(), "the first event");
    await until("the handler's end", () => ended === 1);
  },
  SANITIZED,
);

permittedTest(
  "another protocol version is an error that names both",
  GRPC_NEEDS,
  async () => {
    await using served = await serveControlPlane({
      unary: {
        GetVersion: () =>
          Promise.resolve({ version: "9.9.9", protocol_version: 7 }),
      },
    });
    const { client } = served;
    assertEquals(
      (await checkVersion(client, client.address, {}, 7)).version,
      "9.9.9",
    );
    const message = await refusedCall(
      checkVersion(client, client.address, {}, 1),
      "version_mismatch",
    );
    assertStringIncludes(message, "9.9.9");
    assertStringIncludes(message, "protocol version 7, this side speaks 1");
  },
  SANITIZED,
);

permittedTest(
  "a broker that does not answer in time is timed_out",
  GRPC_NEEDS,
  async () => {
    await using served = await serveControlPlane({
      unary: {
        GetVersion: () => Promise.resolve({}),
        GetHealth: (caller) =>
          new Promise((resolve) =>
            caller.signal.addEventListener("abort", () => resolve({}))
          ),
      },
    });
    const { client } = served;
    await client.call("GetVersion", {});
    await refusedCall(
      client.call("GetHealth", {}, { timeoutMs: 50 }),
      "timed_out",
    );
  },
  SANITIZED,
);

permittedTest(
  "health probers find both names serving",
  GRPC_NEEDS,
  async () => {
    await using served = await serveControlPlane();
    const { Client, credentials } = await import("@grpc/grpc-js");
    const { HEALTH } = await import("../../broker/grpc/grpc_health.ts");
    const { definitionOf } = await import("../../broker/grpc/grpc_standard.ts");
    const { Check, Watch } = definitionOf(HEALTH);
    assert(Check && Watch);
    using held = new DisposableStack();
    const prober = held.adopt(
      new Client(served.carrier.address, credentials.createInsecure()),
      (client) => client.close(),
    );
    const check = (service: string): Promise<unknown> => {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      prober.makeUnaryRequest(
        Check.path,
        Check.requestSerialize,
        Check.responseDeserialize,
        { service },
        (error, response) => resolve(error?.code ?? response),
      );
      return soon(promise, `the health of '${service}'`);
    };
    assertEquals(await check(""), { status: 1 });
    assertEquals(await check("streamlib.broker.BrokerService"), { status: 1 });
    assertEquals(await check("nobody"), 5); // NOT_FOUND
    const watch = prober.makeServerStreamRequest(
      Watch.path,
      Watch.requestSerialize,
      Watch.responseDeserialize,
      { service: "" },
    );
    const seen: unknown[] = [];
    watch.on("data", (message) => seen.push(message));
    watch.on("error", () => {});
    await until("the first status", () => seen.length === 1);
    await served.carrier[Symbol.asyncDispose]();
    await until("the last status", () => seen.length === 2);
    assertEquals(seen, [{ status: 1 }, { status: 2 }]); // SERVING, NOT_SERVING
  },
  SANITIZED,
);
