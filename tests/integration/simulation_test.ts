import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { OwnedCapability } from "../../ffi/capability.ts";
import { Connection } from "../../ffi/connection.ts";
import { Listener } from "../../ffi/listener.ts";
import type { Message } from "../../ffi/message.ts";
import type { Native } from "../../ffi/native.ts";
import { BridgeError } from "../../proto/errors.ts";
import { getString } from "../../proto/wire/xpc_value.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import {
  type Machine,
  realMachine,
  simulatedMachine,
} from "../helpers/sim/machines.ts";
import { type Needs, permittedTest } from "../helpers/permitted.ts";
import { PATIENCE_MS, soon } from "../helpers/soon.ts";

/**
 * The behaviour on which the interleaving tests rely, tested on the real shim and
 * on the simulated one with the same conversations.
 */
const MACHINES: readonly [name: string, make: () => Machine, needs: Needs][] = [
  ["the real machine", realMachine, { service: true }],
  ["the simulated machine", simulatedMachine, {}],
];

const CALL = { timeoutMs: PATIENCE_MS };

function conversation(
  name: string,
  body: (machine: Machine) => Promise<void>,
): void {
  for (const [where, make, needs] of MACHINES) {
    permittedTest(
      `${name}, on ${where}`,
      needs,
      () =>
        nativeLeavesNothing(async () => {
          await using machine = make();
          await soon(body(machine), name);
        }),
    );
  }
}

function uniqueService(): string {
  return `com.example.test.${crypto.randomUUID().replaceAll("-", "")}`;
}

/** What one end of a connection has received, as text, and the requests to answer. */
class Ear {
  readonly heard: string[] = [];
  readonly requests: Message[] = [];
  readonly connection: Connection;
  #wake = (): void => {};

  constructor(connection: Connection) {
    this.connection = connection;
  }

  activate(): this {
    this.connection.activate({
      message: (message) => {
        this.heard.push(getString(message.body, "say") ?? "?");
        if (message.wantsReply) this.requests.push(message);
        else message[Symbol.dispose]();
        this.#wake();
      },
      ended: (end, reason) => {
        this.heard.push(`${end}: ${reason}`);
        this.#wake();
      },
    });
    return this;
  }

  /** Sends each of `words`. */
  say(...words: string[]): void {
    for (const say of words) this.connection.send({ say });
  }

  /** Sends a request. Returns the answer, or the code of the error and how the other side ended. */
  async ask(say: string): Promise<string> {
    try {
      using reply = await this.connection.request({ say }, CALL);
      return getString(reply.body, "say") ?? "?";
    } catch (error) {
      assert(error instanceof BridgeError);
      return `${error.code} ${/\((\w+)\)/.exec(error.message)?.[1] ?? ""}`;
    }
  }

  /** Waits until `count` events were received. */
  async has(count: number): Promise<string[]> {
    while (this.heard.length < count) {
      const woken = new Promise<void>((resolve) => this.#wake = resolve);
      await soon(woken, `thing ${this.heard.length + 1} of ${count} to hear`);
    }
    return this.heard;
  }
}

/** A listener and its peers. */
class Porch {
  readonly listener: Listener;
  readonly peers: Ear[] = [];
  readonly ends: string[] = [];
  readonly codes: string[] = [];
  #wake = (): void => {};

  constructor(listener: Listener) {
    this.listener = listener;
    listener.activate({
      peer: (connection) => {
        this.peers.push(new Ear(connection).activate());
        this.#wake();
      },
      ended: (end, reason, code) => {
        this.ends.push(`${end}: ${reason}`);
        this.codes.push(code);
        this.#wake();
      },
    });
  }

  async peer(index = 0): Promise<Ear> {
    while (this.peers.length <= index) await this.#woken("a peer");
    return this.peers[index]!;
  }

  async ended(): Promise<string> {
    while (this.ends.length === 0) await this.#woken("its end");
    return this.ends[0]!;
  }

  #woken(what: string): Promise<void> {
    return soon(new Promise<void>((resolve) => this.#wake = resolve), what);
  }
}

/** Sends the endpoint of `porch` from its process to the process of `to`. */
async function given(
  porch: Porch,
  from: Native,
  to: Native,
): Promise<OwnedCapability> {
  const service = uniqueService();
  const arrived = Promise.withResolvers<OwnedCapability>();
  using mailbox = Listener.ofService(to, service);
  mailbox.activate({
    peer: (connection) =>
      connection.activate({
        message: (message) => {
          using _ = message;
          const endpoint = message.take("endpoint", "endpoint")!;
          arrived.resolve(new OwnedCapability(to, endpoint));
          connection[Symbol.dispose]();
        },
        ended: () => {},
      }),
    ended: () => {},
  });
  using sender = Connection.toService(from, service);
  sender.activate({ message: () => {}, ended: () => {} });
  using endpoint = porch.listener.endpoint();
  sender.send({ endpoint: endpoint.borrow() });
  return await soon(arrived.promise, "the endpoint");
}

/** Two processes, and a connection from the second to a listener of the first. */
async function pair(
  machine: Machine,
): Promise<
  { porch: Porch; guest: Ear; server: Native; client: Native; close(): void }
> {
  const server = machine.process("server");
  const client = machine.process("client");
  const porch = new Porch(Listener.anonymous(server));
  const endpoint = await given(porch, server, client);
  const guest = new Ear(Connection.toEndpoint(client, endpoint.borrow()));
  return {
    porch,
    guest,
    server,
    client,
    close: () => endpoint[Symbol.dispose](),
  };
}

const HUNG_UP = "invalid: the other side has closed the connection or died";
const LISTENER_GONE =
  "invalid: the endpoint's listener was cancelled or has died";

conversation(
  "a peer shows with its first message, which waits for it, and order is kept",
  async (machine) => {
    const { porch, guest } = await pair(machine);
    guest.say("before it is active");
    guest.activate().say("one", "two");
    const peer = await porch.peer();
    assertEquals(await peer.has(3), ["before it is active", "one", "two"]);
    peer.say("three", "four");
    assertEquals(await guest.has(2), ["three", "four"]);
    assertEquals(porch.peers.length, 1);
  },
);

conversation("requests are answered, in any order", async (machine) => {
  const { porch, guest } = await pair(machine);
  guest.activate();
  const answers = [guest.ask("a"), guest.ask("b")];
  const peer = await porch.peer();
  await peer.has(2);
  peer.requests[1]!.reply({ say: "to b" });
  peer.requests[0]!.reply({ say: "to a" });
  assertEquals(await soon(Promise.all(answers), "the answers"), [
    "to a",
    "to b",
  ]);
});

conversation(
  "a request whose reply is let go is told as interrupted",
  async (machine) => {
    const { porch, guest } = await pair(machine);
    const answer = guest.activate().ask("a");
    const peer = await porch.peer();
    await peer.has(1);
    peer.requests[0]![Symbol.dispose]();
    assertEquals(await answer, "channel_lost interrupted");
  },
);

conversation(
  "a guest hears the end of its host after what was said before",
  async (machine) => {
    const { porch, guest, server } = await pair(machine);
    const answer = guest.activate().ask("a");
    const peer = await porch.peer();
    await peer.has(1);
    peer.say("last words");
    await machine.end(server);
    assertEquals((await guest.has(2))[0], "last words");
    assertStringIncludes(guest.heard[1]!, "invalid: ");
    assertEquals(await answer, "channel_lost interrupted");
    assertEquals(await guest.ask("too late"), "channel_lost invalid");
  },
);

conversation(
  "a host hears the end of its guest after what was said before",
  async (machine) => {
    const { porch, guest, client } = await pair(machine);
    guest.activate().say("one");
    const peer = await porch.peer();
    const answer = peer.ask("never answered");
    await guest.has(1);
    guest.say("last words");
    await machine.end(client);
    assertEquals(await peer.has(3), ["one", "last words", HUNG_UP]);
    assertEquals(await answer, "channel_lost interrupted");
  },
);

conversation(
  "a guest ends with the listener, though its peer lives on",
  async (machine) => {
    const { porch, guest } = await pair(machine);
    guest.activate().say("one");
    const peer = await porch.peer();
    await peer.has(1);
    porch.listener[Symbol.dispose]();
    const [end, ...more] = await guest.has(1);
    // Apple's libxpc may say INTERRUPTED first, and INTERRUPTED has no reason.
    assert(end === LISTENER_GONE || end === HUNG_UP, end);
    assertEquals(more, []);
    assertEquals(await peer.has(2), ["one", HUNG_UP]);
  },
);

conversation(
  "an endpoint whose listener is gone leads nowhere",
  async (machine) => {
    const { porch, guest } = await pair(machine);
    const answer = guest.ask("a");
    porch.listener[Symbol.dispose]();
    guest.activate();
    assertEquals(await guest.has(1), [LISTENER_GONE]);
    assertEquals(await answer, "channel_lost invalid");
  },
);

conversation(
  "a guest that nobody has seen yet ends with the listener",
  async (machine) => {
    const { porch, guest } = await pair(machine);
    guest.activate();
    porch.listener[Symbol.dispose]();
    assertEquals((await guest.has(1)).length, 1);
    assertStringIncludes(guest.heard[0]!, "invalid: ");
    assertEquals(porch.peers.length, 0);
  },
);

conversation("an endpoint is copied as it crosses", async (machine) => {
  const { porch, server } = await pair(machine);
  const third = machine.process("third");
  const [one, two] = [
    await given(porch, server, third),
    await given(porch, server, third),
  ];
  one[Symbol.dispose]();
  const guest = new Ear(Connection.toEndpoint(third, two.borrow())).activate();
  guest.say("by the second");
  assertEquals(await (await porch.peer()).has(1), ["by the second"]);
});

conversation(
  "a name that nobody serves makes a connection invalid, for good",
  async (machine) => {
    const service = uniqueService();
    const client = machine.process("client");
    const ear = new Ear(Connection.toService(client, service)).activate();
    assertEquals(await ear.ask("a"), "channel_lost invalid");
    assertStringIncludes((await ear.has(1))[0]!, "invalid: no such service");
    const server = machine.process("server");
    new Porch(Listener.ofService(server, service));
    assertEquals(await ear.ask("b"), "channel_lost invalid");
    assertEquals(ear.heard.length, 1);
  },
);

conversation(
  "a service that comes back is reached by the same connection",
  async (machine) => {
    const service = uniqueService();
    const [first, second, client] = ["first", "second", "client"].map((name) =>
      machine.process(name)
    ) as [Native, Native, Native];
    const before = new Porch(Listener.ofService(first, service));
    const ear = new Ear(Connection.toService(client, service)).activate();
    const lost = ear.ask("a");
    await (await before.peer()).has(1);
    await machine.end(first);
    assertEquals(await lost, "channel_lost interrupted");
    assertEquals(await ear.has(1), ["interrupted: "]);
    const after = new Porch(Listener.ofService(second, service));
    const answer = ear.ask("b");
    const peer = await after.peer();
    await peer.has(1);
    peer.requests[0]!.reply({ say: "to b" });
    assertEquals(await answer, "to b");
    assertEquals(ear.heard.length, 1);
  },
);

conversation(
  "a service that does not come back makes the connection invalid with the next message",
  async (machine) => {
    const service = uniqueService();
    const [server, client] = ["server", "client"].map((name) =>
      machine.process(name)
    ) as [Native, Native];
    const porch = new Porch(Listener.ofService(server, service));
    const ear = new Ear(Connection.toService(client, service)).activate();
    ear.say("one");
    await (await porch.peer()).has(1);
    await machine.end(server);
    assertEquals(await ear.has(1), ["interrupted: "]);
    assertEquals(await ear.ask("a"), "channel_lost invalid");
    assertStringIncludes((await ear.has(2))[1]!, "invalid: no such service");
  },
);

conversation(
  "peers of a named listener live on when it is closed, until they are let go",
  async (machine) => {
    const service = uniqueService();
    const [server, client] = ["server", "client"].map((name) =>
      machine.process(name)
    ) as [Native, Native];
    const porch = new Porch(Listener.ofService(server, service));
    const ear = new Ear(Connection.toService(client, service)).activate();
    ear.say("one");
    const peer = await porch.peer();
    porch.listener[Symbol.dispose]();
    ear.say("two");
    assertEquals(await peer.has(2), ["one", "two"]);
    peer.connection[Symbol.dispose]();
    assertEquals(await ear.has(1), ["interrupted: "]);
  },
);

conversation("a name can be served once", async (machine) => {
  const service = uniqueService();
  const first = machine.process("first");
  const second = machine.process("second");
  const porch = new Porch(Listener.ofService(first, service));
  const other = new Porch(Listener.ofService(second, service));
  assertStringIncludes(await other.ended(), "already serves this name");
  assertEquals(other.codes, ["name_in_use"]);
  porch.listener[Symbol.dispose]();
  const third = new Porch(Listener.ofService(second, service));
  const ear = new Ear(Connection.toService(first, service)).activate();
  ear.say("one");
  assertEquals(await (await third.peer()).has(1), ["one"]);
});

conversation(
  "what is cancelled is told once, and its requests with it",
  async (machine) => {
    const { porch, guest } = await pair(machine);
    const answer = guest.activate().ask("a");
    const peer = await porch.peer();
    await peer.has(1);
    guest.connection.cancel();
    guest.connection.cancel();
    assertEquals(await answer, "channel_lost invalid");
    assertEquals(await guest.has(1), ["invalid: cancelled by this process"]);
    assertEquals((await peer.has(2))[1], HUNG_UP);
    porch.listener.cancel();
    assertEquals(await porch.ended(), "invalid: cancelled by this process");
    assertEquals(porch.codes, ["native_failure"]);
    assertThrows(() => porch.listener.endpoint(), BridgeError, "cancelled");
  },
);

conversation("what is disposed hears nothing", async (machine) => {
  const { porch, guest } = await pair(machine);
  guest.activate().say("one");
  const peer = await porch.peer();
  await peer.has(1);
  guest.connection[Symbol.dispose]();
  peer.say("to nobody");
  assertEquals((await peer.has(2))[1], HUNG_UP);
  assertEquals(guest.heard, []);
});

conversation("a released handle is an error", async (machine) => {
  const { guest, client } = await pair(machine);
  const { handle } = guest.connection;
  guest.connection[Symbol.dispose]();
  const { symbols } = client;
  assertEquals(symbols.slb_release(handle), -1);
  assertStringIncludes(client.lastError(), "was released or never given");
  assertEquals(symbols.slb_connection_activate(handle), -1);
  await assertRejects(
    () => guest.connection.request({ say: "a" }, CALL),
    BridgeError,
    "closed",
  );
});

conversation("a request that is called off leaves nothing", async (machine) => {
  const { porch, guest } = await pair(machine);
  guest.activate();
  const { promise, resolve } = Promise.withResolvers<string>();
  const abort = new AbortController();
  guest.connection.request({ say: "a" }, { ...CALL, signal: abort.signal })
    .then(() => resolve("answered"), (error) => resolve(error.code));
  const peer = await porch.peer();
  await peer.has(1);
  abort.abort();
  assertEquals(await promise, "aborted");
  // The late answer is dropped, with the capabilities that it carries.
  using endpoint = porch.listener.endpoint();
  peer.requests[0]!.reply({ endpoint: endpoint.borrow() });
  peer.say("after it");
  assertEquals(await guest.has(1), ["after it"]);
});
