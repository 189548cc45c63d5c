import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { BrokerLink } from "../../ffi/broker_link.ts";
import { OwnedCapability } from "../../ffi/capability.ts";
import { Connection } from "../../ffi/connection.ts";
import { Listener } from "../../ffi/listener.ts";
import { Native } from "../../ffi/native.ts";
import { BridgeError } from "../../proto/errors.ts";
import { brokerCommand } from "../../proto/foreground.ts";
import { KEY, MESSAGE_TYPE } from "../../proto/wire/keys.ts";
import {
  getString,
  uint64,
  type XpcDictionary,
  type XpcValue,
} from "../../proto/wire/xpc_value.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { PATIENCE_MS, soon } from "../helpers/soon.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";

/** These tests need only ffi: service and peers are in this process, but every message goes through the kernel. */
const CALL = { timeoutMs: PATIENCE_MS };

function uniqueService(): string {
  return `com.example.test.${crypto.randomUUID().replaceAll("-", "")}`;
}

function startBroker(service = uniqueService()): Promise<Broker> {
  return Broker.start({ service, log: { sink: () => {}, level: "error" } });
}

async function ask(
  connection: Connection,
  body: XpcDictionary,
): Promise<XpcDictionary> {
  using reply = await connection.request(body, CALL);
  return reply.body;
}

function connect(native: Native, service: string): Connection {
  const connection = Connection.toService(native, service);
  connection.activate({
    message: (message) => message[Symbol.dispose](),
    ended: () => {},
  });
  return connection;
}

async function allocate(
  connection: Connection,
): Promise<{ id: string; host: string; client: string }> {
  const body = await ask(connection, {
    [KEY.type]: MESSAGE_TYPE.allocate,
    [KEY.runtimeId]: "test",
    [KEY.processorId]: "p",
    [KEY.wantTokens]: true,
  });
  assertEquals(body[KEY.success], true);
  return {
    id: getString(body, KEY.connectionId)!,
    host: getString(body, KEY.hostToken)!,
    client: getString(body, KEY.clientToken)!,
  };
}

/** A broker with a unique name, in this process. */
const NEEDS = { service: true } as const;

function relayTest(
  name: string,
  body: (native: Native, service: string) => Promise<void>,
): void {
  permittedTest(name, NEEDS, () =>
    nativeLeavesNothing(async () => {
      using native = Native.open();
      await using broker = await startBroker();
      await soon(body(native, broker.service), name);
    }));
}

relayTest(
  "a stored endpoint is delivered to the client, who can connect with it",
  async (native, service) => {
    using host = connect(native, service);
    using client = connect(native, service);
    const { id, host: hostToken, client: clientToken } = await allocate(host);
    using listener = Listener.anonymous(native);
    const heard = Promise.withResolvers<string>();
    using stack = new DisposableStack();
    listener.activate({
      peer: (peer) => {
        stack.use(peer).activate({
          message: (message) => {
            using _ = message;
            heard.resolve(getString(message.body, "say") ?? "nothing");
          },
          ended: () => {},
        });
      },
      ended: () => {},
    });
    using endpoint = listener.endpoint();
    const stored = await ask(host, {
      [KEY.type]: MESSAGE_TYPE.storeEndpoint,
      [KEY.connectionId]: id,
      [KEY.token]: hostToken,
      [KEY.endpoint]: endpoint.borrow(),
    });
    assertEquals(stored[KEY.success], true);
    assertEquals(stored[KEY.clientState], "pending");
    using reply = await client.request({
      [KEY.type]: MESSAGE_TYPE.getEndpoint,
      [KEY.connectionId]: id,
      [KEY.token]: clientToken,
    }, CALL);
    assertEquals(reply.body[KEY.found], true);
    using got = new OwnedCapability(
      native,
      reply.take(KEY.endpoint, "endpoint")!,
    );
    using direct = Connection.toEndpoint(native, got.borrow());
    direct.activate({ message: (m) => m[Symbol.dispose](), ended: () => {} });
    direct.send({ say: "hello" });
    assertEquals(await soon(heard.promise, "the message"), "hello");
  },
);

relayTest(
  "get_endpoint is held until the endpoint is stored",
  async (native, service) => {
    using host = connect(native, service);
    using client = connect(native, service);
    const { id, host: hostToken, client: clientToken } = await allocate(host);
    const get = (waitMs: number): Promise<XpcDictionary> =>
      ask(client, {
        [KEY.type]: MESSAGE_TYPE.getEndpoint,
        [KEY.connectionId]: id,
        [KEY.token]: clientToken,
        [KEY.waitMs]: uint64(waitMs),
      });
    const early = await get(0);
    assertEquals(early[KEY.found], false);
    assertEquals(early[KEY.reason], "host_endpoint_not_ready");
    const held = get(PATIENCE_MS);
    using listener = Listener.anonymous(native);
    listener.activate({ peer: (p) => p[Symbol.dispose](), ended: () => {} });
    using endpoint = listener.endpoint();
    await ask(host, {
      [KEY.type]: MESSAGE_TYPE.storeEndpoint,
      [KEY.connectionId]: id,
      [KEY.token]: hostToken,
      [KEY.endpoint]: endpoint.borrow(),
    });
    assertEquals((await held)[KEY.found], true);
  },
);

relayTest(
  "an unknown connection, a wrong token and a malformed message are each answered",
  async (native, service) => {
    using host = connect(native, service);
    const { id, host: hostToken, client: clientToken } = await allocate(host);
    const unknown = await ask(host, {
      [KEY.type]: MESSAGE_TYPE.getEndpoint,
      [KEY.connectionId]: "0".repeat(32),
    });
    assertEquals(unknown[KEY.found], false);
    assertEquals(unknown[KEY.error], "connection_not_found");
    assertEquals(unknown[KEY.hint], "Check STREAMLIB_CONNECTION_ID");

    const malformed: [XpcDictionary, string][] = [
      [{}, "Unknown message type (none)"],
      [{ [KEY.type]: "drop_table" }, '"drop_table"'],
      [{ [KEY.type]: uint64(7) }, "(none)"],
      [{ [KEY.type]: MESSAGE_TYPE.getEndpoint }, "connection_id"],
      [{
        [KEY.type]: MESSAGE_TYPE.acked,
        [KEY.connectionId]: id,
        [KEY.token]: hostToken,
        [KEY.side]: "both",
      }, "side"],
      [{
        [KEY.type]: MESSAGE_TYPE.storeEndpoint,
        [KEY.connectionId]: id,
        [KEY.token]: hostToken,
        [KEY.endpoint]: "not one",
      }, "no endpoint"],
      [{
        [KEY.type]: MESSAGE_TYPE.storeEndpoint,
        [KEY.connectionId]: id,
        [KEY.token]: clientToken,
      }, "token"],
      [{
        [KEY.type]: MESSAGE_TYPE.getEndpoint,
        [KEY.connectionId]: id,
        [KEY.token]: "f".repeat(64),
      }, "token"],
      [
        { [KEY.type]: MESSAGE_TYPE.getEndpoint, [KEY.connectionId]: id },
        "token",
      ],
    ];
    for (const [body, words] of malformed) {
      const answer = await ask(host, body);
      assertEquals(
        answer[KEY.success],
        false,
        JSON.stringify(Object.keys(body)),
      );
      const error = getString(answer, KEY.error) ?? "";
      assert(error.includes(words), `'${error}' does not say '${words}'`);
      assert(!error.includes(hostToken) && !error.includes(clientToken));
    }
  },
);

relayTest(
  "a message nested too deep, or with too much in it, is answered too",
  async (native, service) => {
    using client = connect(native, service);
    let deep: XpcValue = "x";
    for (let depth = 0; depth < 33; depth++) deep = [deep];
    await assertRejects(
      () => ask(client, { [KEY.type]: MESSAGE_TYPE.getVersion, deep }),
      BridgeError,
      "nested deeper than 32",
    );
    await assertRejects(
      () => ask(client, { big: new Uint8Array(1 << 20) }),
      BridgeError,
      "over 1 MiB",
    );
    // The connection still works.
    const version = await ask(client, { [KEY.type]: MESSAGE_TYPE.getVersion });
    assertEquals(version[KEY.protocolVersion], uint64(1));
  },
);

relayTest(
  "both sides acked: ready, and watchers were told of every state",
  async (native, service) => {
    using host = connect(native, service);
    const states: string[] = [];
    const ready = Promise.withResolvers<void>();
    using client = Connection.toService(native, service);
    client.activate({
      message: (message) => {
        using _ = message;
        const state = getString(message.body, KEY.derivedState)!;
        if (states.at(-1) !== state) states.push(state);
        if (state === "ready") ready.resolve();
      },
      ended: () => {},
    });
    const { id, host: hostToken, client: clientToken } = await allocate(host);
    const about = { [KEY.connectionId]: id, [KEY.token]: clientToken };
    await ask(client, { [KEY.type]: MESSAGE_TYPE.watch, ...about });
    using listener = Listener.anonymous(native);
    listener.activate({ peer: (p) => p[Symbol.dispose](), ended: () => {} });
    using endpoint = listener.endpoint();
    await ask(host, {
      [KEY.type]: MESSAGE_TYPE.storeEndpoint,
      [KEY.connectionId]: id,
      [KEY.token]: hostToken,
      [KEY.endpoint]: endpoint.borrow(),
    });
    await ask(client, { [KEY.type]: MESSAGE_TYPE.getEndpoint, ...about });
    await ask(client, {
      [KEY.type]: MESSAGE_TYPE.acked,
      ...about,
      [KEY.side]: "client",
    });
    await ask(host, {
      [KEY.type]: MESSAGE_TYPE.acked,
      [KEY.connectionId]: id,
      [KEY.token]: hostToken,
      [KEY.side]: "host",
    });
    await soon(ready.promise, "ready");
    assertEquals(states.slice(-4), [
      "awaiting_client_to_retrieve_endpoint",
      "client_connecting",
      "awaiting_ack",
      "ready",
    ]);
  },
);

relayTest(
  "a side whose connection to the broker ends is dead: its connection has failed",
  async (native, service) => {
    const host = connect(native, service);
    using client = connect(native, service);
    const { id, client: clientToken } = await allocate(host);
    const held = ask(client, {
      [KEY.type]: MESSAGE_TYPE.getEndpoint,
      [KEY.connectionId]: id,
      [KEY.token]: clientToken,
      [KEY.waitMs]: uint64(PATIENCE_MS),
    });
    host[Symbol.dispose]();
    const answer = await held;
    assertEquals(answer[KEY.found], false);
    assertEquals(answer[KEY.reason], "connection_failed");
    assert(getString(answer, KEY.failureReason)?.includes("host"));
  },
);

permittedTest(
  "a second broker on the same name is refused, and the first goes on",
  NEEDS,
  () =>
    nativeLeavesNothing(async () => {
      using native = Native.open();
      await using broker = await startBroker();
      const error = await assertRejects(
        () => soon(startBroker(broker.service), "the refusal"),
        BridgeError,
        broker.service,
      );
      assertEquals(error.code, "name_in_use");
      using link = new BrokerLink(native, broker.service);
      await link.call("GetVersion", {}, CALL);
    }),
);

Deno.test("a broker that nobody runs is not reachable, and the error says what to do", () =>
  nativeLeavesNothing(async () => {
    using native = Native.open();
    using link = new BrokerLink(native, uniqueService());
    const error = await assertRejects(
      () => soon(link.call("GetVersion", {}, CALL), "the error"),
      BridgeError,
      brokerCommand(),
    );
    assertEquals(error.code, "broker_unreachable");
  }));

Deno.test("a service name that cannot be is refused", () => {
  using native = Native.open();
  for (const name of ["", "x".repeat(128)]) {
    assertThrows(
      () => Connection.toService(native, name)[Symbol.dispose](),
      BridgeError,
      "service name",
    );
  }
});
