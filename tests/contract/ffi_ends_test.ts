import { assert, assertEquals } from "@std/assert";
import { Connection } from "../../ffi/connection.ts";
import { Listener } from "../../ffi/listener.ts";
import type { Message } from "../../ffi/message.ts";
import { Native } from "../../ffi/native.ts";
import { BridgeError } from "../../proto/errors.ts";
import { getCapability } from "../../proto/wire/xpc_value.ts";
import { kill } from "../helpers/child.ts";
import { isolatedHome } from "../helpers/home.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { PATIENCE_MS, soon, until } from "../helpers/soon.ts";
import { compileSuite } from "./suite.ts";

/**
 * The table of ends, each row once through ffi: the shim must pass on the ends
 * that `ends.c` and `deaths.c` test. The other process is the suite's, see
 * other.h.
 */

const SERVICE = "com.example.contract.ffi";
const CALL = { timeoutMs: PATIENCE_MS };

/** The events of an owner: "message", "interrupted" or "invalid", in order. */
class Heard {
  readonly events: string[] = [];
  readonly messages: Message[] = [];
  #wake = (): void => {};

  #add(event: string): void {
    this.events.push(event);
    this.#wake();
  }

  readonly of = {
    message: (message: Message): void => {
      this.messages.push(message);
      this.#add("message");
    },
    ended: (end: string): void => this.#add(end),
  };

  /** Waits for as many events as expected, and checks that these and no others came. */
  async is(...expected: string[]): Promise<void> {
    await soon(
      (async () => {
        while (this.events.length < expected.length) {
          await new Promise<void>((resolve) => this.#wake = resolve);
        }
      })(),
      `${expected.join(", ")} instead of ${this.events.join(", ")}`,
    );
    assertEquals(this.events, expected);
  }

  [Symbol.dispose](): void {
    for (const message of this.messages) message[Symbol.dispose]();
  }
}

/** A listener, its client by endpoint, and the peer of that client. */
class Pair implements Disposable {
  readonly listened = new Heard();
  readonly seen = new Heard();
  readonly heard = new Heard();
  readonly listener: Listener;
  readonly client: Connection;
  readonly #peer = Promise.withResolvers<Connection>();

  constructor(native: Native) {
    this.listener = Listener.anonymous(native);
    this.listener.activate({
      peer: (peer) => {
        peer.activate(this.seen.of);
        this.#peer.resolve(peer);
      },
      ended: this.listened.of.ended,
    });
    using endpoint = this.listener.endpoint();
    this.client = Connection.toEndpoint(native, endpoint.borrow());
    this.client.activate(this.heard.of);
    this.client.send({ hello: true });
  }

  async peer(): Promise<Connection> {
    const peer = await soon(this.#peer.promise, "the peer");
    await this.seen.is("message");
    return peer;
  }

  [Symbol.dispose](): void {
    for (const heard of [this.listened, this.seen, this.heard]) {
      heard[Symbol.dispose]();
    }
    this.client[Symbol.dispose]();
    this.#peer.promise.then((peer) => peer[Symbol.dispose]());
    this.listener[Symbol.dispose]();
  }
}

/** How a request without a reply fails: the end that its reply handler gets. */
async function failure(request: Promise<Message>): Promise<string> {
  try {
    using _ = await request;
    return "a reply";
  } catch (error) {
    assert(error instanceof BridgeError);
    assertEquals(error.code, "channel_lost");
    return /\((\w+)\)/.exec(error.message)![1]!;
  }
}

const EITHER = ["interrupted", "invalid"];

function rowTest(name: string, body: (pair: Pair) => Promise<void>): void {
  permittedTest(
    `ends through ffi: ${name}`,
    {},
    () =>
      nativeLeavesNothing(async () => {
        using native = Native.open();
        using pair = new Pair(native);
        await body(pair);
      }),
  );
}

rowTest(
  "own cancel, client by endpoint; remote cancels, server's peer",
  async (pair) => {
    await pair.peer();
    pair.client.cancel();
    pair.client.cancel();
    await pair.heard.is("invalid");
    await pair.seen.is("message", "invalid");
  },
);

rowTest(
  "own cancel, server's peer; remote cancels, client by endpoint",
  async (pair) => {
    (await pair.peer()).cancel();
    await pair.seen.is("message", "invalid");
    await pair.heard.is("invalid");
  },
);

rowTest(
  "listener cancelled: itself, and its client by endpoint",
  async (pair) => {
    await pair.peer();
    pair.listener.cancel();
    await pair.listened.is("invalid");
    await pair.heard.is("invalid");
  },
);

rowTest("own cancel, pending reply", async (pair) => {
  const pending = failure(pair.client.request({}, CALL));
  await pair.seen.is("message", "message");
  pair.client.cancel();
  assertEquals(await pending, "invalid");
  assertEquals(await failure(pair.client.request({}, CALL)), "invalid");
});

rowTest("remote cancels, pending reply", async (pair) => {
  const peer = await pair.peer();
  const pending = failure(pair.client.request({}, CALL));
  await pair.seen.is("message", "message");
  peer.cancel();
  assert(EITHER.includes(await pending));
});

rowTest("listener cancelled, pending reply", async (pair) => {
  const pending = failure(pair.client.request({}, CALL));
  await pair.seen.is("message", "message");
  pair.listener.cancel();
  assert(EITHER.includes(await pending));
});

/* ---- The other process ---- */

/** The other process, as a service of that name, and clients of it. */
class Other implements AsyncDisposable {
  readonly #native: Native;
  readonly #program: string;
  #child!: Deno.ChildProcess;

  private constructor(native: Native, program: string) {
    this.#native = native;
    this.#program = program;
  }

  static async start(native: Native): Promise<Other> {
    const other = new Other(native, await compileSuite());
    try {
      await other.startAgain();
    } catch (error) {
      await kill(other.#child);
      throw error;
    }
    return other;
  }

  /** After its end. */
  async startAgain(): Promise<void> {
    this.#child = new Deno.Command(this.#program, {
      args: ["--serve", SERVICE],
      stdin: "null",
    }).spawn();
    await until("the other process serves its name", () => this.#isServing());
  }

  async #isServing(): Promise<boolean> {
    using probe = Connection.toService(this.#native, SERVICE);
    using heard = new Heard();
    probe.activate(heard.of);
    try {
      using _ = await ask(probe, "nothing");
      return true;
    } catch {
      return false;
    }
  }

  byName(heard: Heard): Connection {
    const client = Connection.toService(this.#native, SERVICE);
    client.activate(heard.of);
    return client;
  }

  async byEndpoint(named: Connection, heard: Heard): Promise<Connection> {
    using reply = await ask(named, "endpoint");
    const endpoint = getCapability(reply.body, "endpoint", "endpoint")!;
    const client = Connection.toEndpoint(this.#native, endpoint);
    client.activate(heard.of);
    return client;
  }

  async die(): Promise<void> {
    await kill(this.#child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await kill(this.#child);
  }
}

function ask(other: Connection, what: string): Promise<Message> {
  return other.request({ do: what }, CALL);
}

/** A request that the other process has received, and never answers. */
async function keep(other: Connection): Promise<() => Promise<string>> {
  const pending = failure(ask(other, "keep"));
  using _ = await ask(other, "nothing");
  return () => pending;
}

function otherTest(
  name: string,
  body: (other: Other, native: Native) => Promise<void>,
): void {
  permittedTest(
    `ends through ffi: ${name}`,
    { run: true, read: true, write: true, env: true, service: true },
    async () => {
      using _ = isolatedHome();
      await nativeLeavesNothing(async () => {
        using native = Native.open();
        await using other = await Other.start(native);
        await body(other, native);
      });
    },
  );
}

otherTest(
  "other side dies, client of a named service, which goes on",
  async (other) => {
    using heard = new Heard();
    using client = other.byName(heard);
    const pending = await keep(client);
    await other.die();
    assertEquals(await pending(), "interrupted");
    await heard.is("interrupted");
    await other.startAgain();
    using _ = await ask(client, "nothing");
    await heard.is("interrupted");
  },
);

otherTest(
  "remote cancels, client of a named service; own cancel",
  async (other) => {
    using heard = new Heard();
    using client = other.byName(heard);
    client.send({ do: "cancel peer" });
    await heard.is("interrupted");
    using _ = await ask(client, "nothing");
    client.cancel();
    await heard.is("interrupted", "invalid");
  },
);

otherTest("other side dies, client by endpoint", async (other) => {
  using named = new Heard();
  using heard = new Heard();
  using service = other.byName(named);
  using client = await other.byEndpoint(service, heard);
  const pending = await keep(client);
  await other.die();
  assertEquals(await pending(), "interrupted");
  await heard.is("invalid");
});

otherTest("other side dies, server's peer", async (other, native) => {
  using heard = new Heard();
  using client = other.byName(heard);
  using seen = new Heard();
  using peers = new DisposableStack();
  using listener = Listener.anonymous(native);
  listener.activate({
    peer: (peer) => peers.use(peer).activate(seen.of),
    ended: () => {},
  });
  using endpoint = listener.endpoint();
  using _ = await client.request(
    { do: "connect", endpoint: endpoint.borrow() },
    CALL,
  );
  await seen.is("message");
  await other.die();
  await seen.is("message", "invalid");
});

permittedTest(
  "ends through ffi: no such name, and a pending reply",
  { env: true, read: true, write: true },
  async () => {
    using _ = isolatedHome();
    await nativeLeavesNothing(async () => {
      using native = Native.open();
      using heard = new Heard();
      using client = Connection.toService(native, SERVICE);
      client.activate(heard.of);
      assertEquals(await failure(client.request({}, CALL)), "invalid");
      await heard.is("invalid");
    });
  },
);
