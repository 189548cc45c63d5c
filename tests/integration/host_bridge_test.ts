import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { pongMessage } from "../../proto/states/handshake_messages.ts";
import {
  getString,
  uint64,
  type XpcDictionary,
} from "../../proto/wire/xpc_value.ts";
import { playedTest, shakeHands, STARTED } from "../helpers/played_client.ts";
import { soon, until } from "../helpers/soon.ts";

playedTest(
  "the gate opens on started, not before",
  async ({ host, client }) => {
    await shakeHands(client);
    client.send(STARTED);
    await soon(host.ready, "ready");
    assertEquals(host.bridge.phase, "open");
  },
);

playedTest(
  "the ping names the features of the hello that the host has too",
  async ({ host, client }) => {
    client.send({ ...client.hello, features: ["later", uint64(1), "ends"] });
    const ping = await client.control("ping");
    assertEquals(ping["features"], ["ends"]);
    assertEquals(host.channel.features, new Set(["ends"]));
  },
);

playedTest(
  "a client of the first version gets the ping of the first version",
  async ({ host, client }) => {
    client.send(client.hello);
    const ping = await client.control("ping");
    assertEquals("features" in ping, false);
    assertEquals(host.channel.features.size, 0);
  },
);

const FEATURES = { features: ["ends"] };
const END = { msg_type: "control", ctrl_type: "end", port_name: "video" };

playedTest(
  "drain: the client is told of the ends behind a pause, and says when it has ended and flushed",
  async ({ host, client }) => {
    host.setPaused(true);
    const draining = host.drain(undefined);
    await shakeHands(client, FEATURES);
    client.send(STARTED);
    await client.control("pause");
    assertEquals((await client.control("end"))["port_name"], "video");
    client.send(END);
    client.send({ ...END, ctrl_type: "flushed" });
    await soon(draining, "the drain");
    assert(host.channel.receivers.video.ended);
  },
);

playedTest(
  "drain: an end of the output is not enough while the client has not flushed",
  async ({ host, client }) => {
    await shakeHands(client, FEATURES);
    client.send(STARTED);
    await soon(host.ready, "ready");
    let isDrained = false;
    const draining = host.drain(undefined).then(() => isDrained = true);
    client.send(END);
    await until("its end", () => host.channel.incomingEnded === true);
    assert(!isDrained && !host.isDone);
    client.send({ ...END, ctrl_type: "flushed" });
    await soon(draining, "the drain");
    assert(host.isDone);
  },
);

playedTest(
  "drain: a client of the first version is not told; the host says to update it, and goes on",
  async ({ host, client }) => {
    const early = host.drain(undefined).catch((error) => error);
    await shakeHands(client);
    client.send(STARTED);
    const { code, message } = await soon(early, "the refusal");
    assertEquals(code, "version_mismatch");
    assertStringIncludes(message, "update it");
    client.send(END); // it does not know what that is either
    const again = await host.drain(undefined).catch((error) => error);
    assertEquals(again.code, "version_mismatch");
    assertEquals(host.channel.incomingEnded, false);
    assertEquals(host.channel.stats.misfits, 0);
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
