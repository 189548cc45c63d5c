import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { BrokerLink } from "../../ffi/broker_link.ts";
import { OwnedCapability } from "../../ffi/capability.ts";
import { Connection } from "../../ffi/connection.ts";
import { Native } from "../../ffi/native.ts";
import { findBroker } from "../../host/broker_finder.ts";
import { makeBroker } from "../../host/assembly.ts";
import type { ClientExit } from "../../host/spawn/spawn.ts";
import { Supervisor } from "../../host/supervisor.ts";
import { connectionSchemaToJson } from "../../proto/schema/json/connection_schema_json.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import {
  helloMessage,
  pongMessage,
} from "../../proto/states/handshake_messages.ts";
import { KEY, MESSAGE_TYPE } from "../../proto/wire/keys.ts";
import { DEFAULT_TIMEOUT_SECS } from "../../proto/limits.ts";
import { schemaHash } from "../../proto/schema/json/schema_hash.ts";
import {
  getString,
  uint64,
  type XpcDictionary,
} from "../../proto/wire/xpc_value.ts";
import { EVERY_FRAME } from "../fixtures/ports.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { PATIENCE_MS, soon } from "../helpers/soon.ts";

/**
 * A real host and a real broker, with a client that the test plays, message by
 * message. Needs ffi only: the client's "process" is this one.
 */
const schema = connectionSchema({
  inputs: { video: EVERY_FRAME },
  outputs: { video: EVERY_FRAME },
});
const HASH = schemaHash(connectionSchemaToJson(schema));

/** What a client knows when it starts. */
type ClientEnv = Readonly<Record<string, string>>;

/** The client's end of the channel, and what it has received. */
class PlayedClient implements Disposable {
  readonly env: ClientEnv;
  readonly #stack = new DisposableStack();
  readonly #native: Native;
  readonly #connection: Connection;
  readonly #heard: XpcDictionary[] = [];
  readonly ended = Promise.withResolvers<void>();
  #wake = (): void => {};

  private constructor(native: Native, env: ClientEnv, connection: Connection) {
    this.env = env;
    this.#native = native;
    this.#connection = this.#stack.use(connection);
    this.#connection.activate({
      message: (message) => {
        using _ = message;
        this.#heard.push(message.body);
        this.#wake();
      },
      ended: () => this.ended.resolve(),
    });
  }

  static async connect(native: Native, env: ClientEnv): Promise<PlayedClient> {
    const link = new BrokerLink(native, env["STREAMLIB_BROKER_XPC_SERVICE"]!);
    using reply = await link.relay(MESSAGE_TYPE.getEndpoint, {
      [KEY.connectionId]: env["STREAMLIB_CONNECTION_ID"],
      [KEY.waitMs]: uint64(PATIENCE_MS),
    }, { timeoutMs: PATIENCE_MS, token: env["STREAMLIB_CONNECTION_TOKEN"]! });
    using endpoint = new OwnedCapability(
      native,
      reply.take(KEY.endpoint, "endpoint")!,
    );
    const client = new PlayedClient(
      native,
      env,
      Connection.toEndpoint(native, endpoint.borrow()),
    );
    client.#stack.use(link);
    client.#endpoint = client.#stack.use(endpoint.dup());
    return client;
  }

  #endpoint: OwnedCapability | undefined;

  /** Another connection to the same host. */
  again(): PlayedClient {
    return new PlayedClient(
      this.#native,
      this.env,
      Connection.toEndpoint(this.#native, this.#endpoint!.borrow()),
    );
  }

  get hello(): XpcDictionary {
    return helloMessage({
      connection_id: this.env["STREAMLIB_CONNECTION_ID"]!,
      token: this.env["STREAMLIB_CONNECTION_TOKEN"]!,
      schema_hash: HASH,
    });
  }

  send(message: XpcDictionary): void {
    this.#connection.send(message);
  }

  /** Returns the next message of this control type. */
  async control(type: string): Promise<XpcDictionary> {
    while (true) {
      const next = this.#heard.shift();
      if (next === undefined) {
        const woken = new Promise<void>((resolve) => this.#wake = resolve);
        await soon(woken, type);
      } else if (next["ctrl_type"] === type) return next;
    }
  }

  [Symbol.dispose](): void {
    this.#stack[Symbol.dispose]();
  }
}

interface Played {
  readonly host: Supervisor<
    { video: typeof EVERY_FRAME },
    { video: typeof EVERY_FRAME }
  >;
  readonly client: PlayedClient;
  readonly warnings: string[];
  /** Ends the client's process. */
  exit(exit: ClientExit): void;
}

function playedTest(
  name: string,
  body: (played: Played) => Promise<void>,
): void {
  permittedTest(name, { service: true }, () =>
    nativeLeavesNothing(async () => {
      using native = Native.open();
      const spawned = Promise.withResolvers<ClientEnv>();
      const exited = Promise.withResolvers<ClientExit>();
      const warnings: string[] = [];
      const host = new Supervisor(Native.open(), {
        schema,
        runtimeId: "test",
        processorId: "played",
        processorType: "reactive",
        timeoutSecs: DEFAULT_TIMEOUT_SECS,
        findBroker: (native, lost, signal) =>
          findBroker(
            native,
            {
              given: undefined,
              fallback: "com.example.none",
              embed: makeBroker,
            },
            lost,
            signal,
          ),
        spawn: (env) => {
          spawned.resolve(env);
          return {
            pid: 1,
            stderrTail: "",
            exit: exited.promise,
            kill: () =>
              exited.resolve({ code: 143, signal: "SIGTERM", stderrTail: "" }),
          };
        },
        warn: (text) => warnings.push(text),
        restart: "never",
        restarting: () => {},
      });
      try {
        const env = await soon(spawned.promise, "the spawn");
        using client = await soon(PlayedClient.connect(native, env), "connect");
        const exit = (how: ClientExit): void => exited.resolve(how);
        await soon(body({ host, client, warnings, exit }), name);
      } finally {
        exited.resolve({ code: 0, signal: null, stderrTail: "" });
        await soon(host.close(), "close");
      }
    }));
}

async function shakeHands(client: PlayedClient): Promise<void> {
  client.send(client.hello);
  await client.control("ping");
  client.send(pongMessage());
}

const STARTED = { msg_type: "control", ctrl_type: "started" };

playedTest(
  "the gate opens on started, not before",
  async ({ host, client }) => {
    await shakeHands(client);
    client.send(STARTED);
    await soon(host.ready, "ready");
    assertEquals(host.bridge.phase, "open");
  },
);

const REFUSED: [name: string, change: XpcDictionary, words: string][] = [
  ["a wrong token", { token: "f".repeat(64) }, "token is wrong"],
  ["no token", { token: undefined }, "token is wrong"],
  [
    "another connection",
    { connection_id: "0".repeat(32) },
    "another connection",
  ],
  ["another protocol", { protocol_version: uint64(9) }, "protocol version 9"],
  ["another schema", { schema_hash: "0".repeat(64) }, "schema is another"],
  ["no hello", { ctrl_type: "pong" }, "must be a hello"],
  ["no control at all", { msg_type: "frame" }, "must be a hello"],
];

for (const [name, change, words] of REFUSED) {
  playedTest(
    `a peer with ${name} is refused with the reason, and the right one is served`,
    async ({ host, client, warnings }) => {
      using rogue = client.again();
      rogue.send({ ...client.hello, ...change });
      const answer = await rogue.control("error");
      assertStringIncludes(getString(answer, "reason")!, words);
      await soon(rogue.ended.promise, "its end");
      assertEquals(warnings.length, 1);
      assertEquals(host.bridge.phase, "awaiting_hello");
      await shakeHands(client);
      client.send(STARTED);
      await soon(host.ready, "ready");
    },
  );
}

playedTest("a second client is refused", async ({ host, client }) => {
  await shakeHands(client);
  client.send(STARTED);
  await soon(host.ready, "ready");
  using second = client.again();
  second.send(client.hello);
  const answer = await second.control("error");
  assertStringIncludes(getString(answer, "reason")!, "has its client already");
});

playedTest(
  "a wrong pong fails the handshake with that reason",
  async ({ host, client }) => {
    client.send(client.hello);
    await client.control("ping");
    client.send({ ...pongMessage(), payload: Uint8Array.of(1, 2, 3) });
    const failure = await soon(host.ended, "the host's end");
    assertStringIncludes(failure!.message, "53 4C 41");
  },
);

playedTest(
  "a client that goes away in the middle is told with how far it got",
  async ({ host, client }) => {
    client.send(client.hello);
    await client.control("ping");
    client[Symbol.dispose]();
    const failure = await soon(host.ended, "the host's end");
    assertStringIncludes(failure!.message, "not answered the ping");
  },
);

playedTest(
  "a client whose process ends before it connects is told with its code",
  async ({ host, exit }) => {
    exit({ code: 9, signal: null, stderrTail: "out of luck" });
    const failure = await soon(host.ended, "the host's end");
    assertStringIncludes(failure!.message, "exited with code 9");
    assertStringIncludes(failure!.message, "out of luck");
    assertStringIncludes(failure!.message, "had not connected");
  },
);

playedTest(
  "closing tells the client to end",
  async ({ host, client, exit }) => {
    await shakeHands(client);
    client.send(STARTED);
    await soon(host.ready, "ready");
    const closing = host.close();
    await client.control("teardown");
    exit({ code: 0, signal: null, stderrTail: "" });
    await soon(closing, "its end");
    assert(await soon(host.ended, "its outcome") === undefined);
  },
);
