import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Native } from "../../ffi/native.ts";
import { findBroker } from "../../host/broker_finder.ts";
import { makeBroker } from "../../host/assembly.ts";
import { Supervisor } from "../../host/supervisor.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import {
  CHANNEL_KEY,
  CTRL_TYPE,
  KEY,
  MESSAGE_TYPE,
  MSG_TYPE,
  REASON,
} from "../../proto/wire/keys.ts";
import { schemaHash } from "../../proto/schema/json/schema_hash.ts";
import { EVERY_FRAME } from "../fixtures/ports.ts";
import { hasPython } from "../../tools/install/python.ts";
import { NEW, oldVersion, prepareOldVersion } from "./old_version.ts";
import { foreignPython } from "./toolchain.ts";
import {
  type Counts,
  foreignTest,
  FRAMES,
  type Info,
  type Program,
  type Result,
  startOurClient,
} from "./broker_and_peers.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { PATIENCE_MS, soon } from "../helpers/soon.ts";
import { prepare } from "../helpers/preparation.ts";

/**
 * Peers that use nothing of this library: a control plane in Python, with
 * stubs generated from broker.proto, and a C program that uses <xpc/xpc.h>.
 */

const ROOT = new URL("../../", import.meta.url);

if (hasPython()) prepare("a Python with gRPC", foreignPython);
prepareOldVersion();

/** The brokers of the tests, and what a test's name says of them. */
const BROKERS = {
  new: { of: "", version: () => Promise.resolve(NEW) },
  old: { of: ", the broker of the version before", version: oldVersion },
} as const;

const schema = connectionSchema({
  inputs: { video: EVERY_FRAME },
  outputs: { video: EVERY_FRAME },
});

const READY: Info = {
  host: "acked",
  client: "acked",
  derived: "ready",
  connected: true,
  stored: false,
  reason: "",
};

/** Checks that every frame was sent and came back correct, and every surface was returned. */
function assertCounts(counts: Counts, expected: Partial<Counts>): void {
  assertEquals(counts, {
    ...counts,
    sent: FRAMES,
    received: FRAMES,
    released: FRAMES,
    wrong: 0,
    dropped: 0,
    refused: 0,
    ...expected,
  });
}

for (
  const [ack, broker] of [
    ["grpc", BROKERS.new],
    ["xpc", BROKERS.new],
    ["xpc", BROKERS.old],
  ] as const
) {
  foreignTest(
    `our host against a client in C, its control plane in Python, the ACK over ${ack}${broker.of}`,
    (world) =>
      nativeLeavesNothing(async () => {
        const client = Promise.withResolvers<Program>();
        await using programs = new AsyncDisposableStack();
        const warnings: string[] = [];
        const host = new Supervisor(Native.open(), {
          schema,
          runtimeId: "test",
          processorId: "foreign",
          processorType: "reactive",
          path: "lane",
          sleeps: false,
          timeoutSecs: PATIENCE_MS / 1000,
          findBroker: (native, lost, signal) =>
            findBroker(
              native,
              { given: world.service, fallback: "", embed: makeBroker },
              lost,
              signal,
            ),
          spawn: (env) => {
            const program = world.control("client", ["--ack", ack], env);
            programs.use(program);
            client.resolve(program);
            return program.process;
          },
          warn: (text) => warnings.push(text),
          restart: "never",
          restarting: () => {},
        });
        await using _ = {
          [Symbol.asyncDispose]: () => soon(host.close(), "the host's end"),
        };
        await soon(host.ready, "ready");
        const program = await soon(client.promise, "the client's start");
        const input = host.channel.senders.video;
        const results = host.channel.receivers.video[Symbol.asyncIterator]();
        for (let number = 0; number < FRAMES; number++) {
          // Another size each time: once a pool is full, surfaces are retired.
          const [width, height] = [60 + number, 5 + number];
          await soon(input.ready, "a free surface");
          using frame = input.acquire({
            pixel_buffer: { width, height, pixel_format: "rgba8" },
            pixel_format: "rgba8",
            width,
            height,
            timestamp_ns: -BigInt(number),
            frame_number: 2n ** 64n - 1n - BigInt(number),
          });
          frame.pixel_buffer.pixels.forEach((_, index, pixels) =>
            pixels[index] = number + 3 * index
          );
          assert(input.send(frame));
          const { value } = await soon(results.next(), `frame ${number}`);
          using out = value!;
          assertEquals(
            [out.width, out.height, out.pixel_format],
            [width, height, "rgba8"],
          );
          assertEquals(out.timestamp_ns, -BigInt(number));
          assertEquals(out.frame_number, 2n ** 64n - 1n - BigInt(number));
          const { pixels, bytes_per_row } = out.pixel_buffer;
          assertEquals(out.pixel_buffer.width, width);
          assertEquals(out.pixel_buffer.height, height);
          for (let y = 0; y < height; y++) {
            for (let x = 0; x < width * 4; x++) {
              const index = y * bytes_per_row + x;
              const sent = (number + 3 * index) & 255;
              assertEquals(pixels[index], 255 - sent, `byte ${index}`);
            }
          }
        }
        await soon(host.close(), "close");
        assertEquals(await soon(host.ended, "the host's end"), undefined);
        assertEquals(warnings, []);
        const result = JSON.parse(await program.line("the result")) as Result;
        assertEquals(result.states.at(-1), "ready");
        assertEquals(result.info, READY);
        assertEquals(result.codes, [0]);
        assertCounts(result.client, { role: "client", ended: "teardown" });
        assertEquals(result.client.offers, FRAMES);
        assert(result.client.retired > 0);
      }),
    broker.version,
  );
}

for (
  const [tokens, ack, broker] of [
    [true, "grpc", BROKERS.new],
    [false, "xpc", BROKERS.new],
    [true, "xpc", BROKERS.old],
  ] as const
) {
  foreignTest(
    `a host in C against our client, its control plane in Python, ${
      tokens ? "with" : "without"
    } tokens, the ACK over ${ack}${broker.of}`,
    async (world) => {
      await using host = world.control("host", [
        ...(tokens ? ["--tokens"] : []),
        ...["--ack", ack],
      ]);
      await using client = await startOurClient(
        world,
        host,
        schema,
        new URL("tests/fixtures/invert.ts", ROOT),
      );
      assertEquals(client.token.length, tokens ? 64 : 0);
      const failed = client.process.exit.then((exit) => {
        if (exit.code !== 0) throw new Error(`the client: ${exit.stderrTail}`);
        return new Promise<never>(() => {});
      });
      const result = JSON.parse(
        await Promise.race([host.line("the result"), failed]),
      ) as Result;
      assertStringIncludes(result.early, "no endpoint is stored");
      assertEquals(result.states.at(-1), "ready");
      assertEquals(result.info, READY);
      assertStringIncludes(result.closed.reason, "closed: all frames are back");
      assertEquals(result.codes, [0]);
      assertCounts(result.host, { role: "host", ended: "done" });
      assertEquals(await soon(client.process.exit, "the client's end"), {
        code: 0,
        signal: null,
        stderrTail: "",
      });
    },
    broker.version,
  );
}

foreignTest(
  "host and client in C, allocated with the first version's fields alone: the broker brings them together",
  async (world) => {
    await using pair = world.control("pair");
    const result = JSON.parse(await pair.line("the result")) as Result;
    assertStringIncludes(result.early, "has not received the endpoint");
    assertEquals(result.states.at(-1), "ready");
    assertEquals(result.info, READY);
    assertStringIncludes(result.closed.reason, "closed: done");
    assertEquals(result.codes, [0, 0]);
    assertCounts(result.host, { role: "host", ended: "done" });
    assertCounts(result.client, { role: "client", ended: "teardown" });
  },
);

permittedTest(
  "docs/protocol.md has every word of the wire, and its example the hash that it says",
  { read: true },
  async () => {
    const text = await Deno.readTextFile(new URL("docs/protocol.md", ROOT));
    const words = [KEY, MESSAGE_TYPE, CHANNEL_KEY, MSG_TYPE, CTRL_TYPE, REASON]
      .flatMap((table) => Object.values<string>(table));
    const documented = new Set(text.match(/\w+/g));
    assertEquals(words.filter((word) => !documented.has(word)), []);
    const [, json] = /```json\n([^`]*)```/.exec(text)!;
    assertStringIncludes(
      text,
      `schema_hash: "${schemaHash(JSON.parse(json!))}"`,
    );
  },
);
