import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Native } from "../../ffi/native.ts";
import { findBroker } from "../../host/broker_finder.ts";
import { makeBroker } from "../../host/assembly.ts";
import { Supervisor } from "../../host/supervisor.ts";
import type { TransportPath } from "../../channel/transport.ts";
import { LANE_DEFAULT_SLOTS } from "../../proto/lane/layout.ts";
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
 * stubs generated from broker.proto, and a C program that uses <xpc/xpc.h> and
 * <streamlib_lane.h>.
 */

const ROOT = new URL("../../", import.meta.url);

if (hasPython()) prepare("a Python with gRPC", foreignPython);
prepareOldVersion();

/** The brokers of the tests, and what a test's name says of them. */
const BROKERS = {
  new: { of: "", version: () => Promise.resolve(NEW) },
  old: { of: ", the broker of the version before", version: oldVersion },
} as const;

const PORTS = { video: EVERY_FRAME };
const schema = connectionSchema({ inputs: PORTS, outputs: PORTS });

const READY: Info = {
  host: "acked",
  client: "acked",
  derived: "ready",
  connected: true,
  stored: false,
  reason: "",
};

/** Checks that every frame was sent and came back correct, and every surface was returned. */
function assertCounts(
  counts: Counts,
  expected: Partial<Counts>,
  frames = FRAMES,
): void {
  assertEquals(counts, {
    ...counts,
    sent: frames,
    received: frames,
    released: frames,
    wrong: 0,
    dropped: 0,
    refused: 0,
    ...expected,
  });
}

/** How our host and a client in C exchange frames. */
interface Exchange {
  readonly ack: "grpc" | "xpc";
  /** What our host may use. */
  readonly path: TransportPath;
  readonly broker: typeof BROKERS[keyof typeof BROKERS];
  /** Whether the rings seem to be full: see `lane.c`. */
  readonly isFull?: true;
}

/** More than the ring of a lane has room for, if none is taken out of it. */
const OVERFLOWING = LANE_DEFAULT_SLOTS + 10;

/** Sends frames of our host to its client, and checks that each comes back inverted. */
async function exchange(
  { channel }: Supervisor<typeof PORTS, typeof PORTS>,
  frames: number,
  grow: number,
): Promise<void> {
  const input = channel.senders.video;
  const results = channel.receivers.video[Symbol.asyncIterator]();
  for (let number = 0; number < frames; number++) {
    const [width, height] = [60 + grow * number, 5 + grow * number];
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
      const from = y * bytes_per_row;
      const wrong = pixels.subarray(from, from + width * 4)
        .findIndex((byte, x) => byte !== (~(number + 3 * (from + x)) & 255));
      assertEquals(wrong, -1, `row ${y} of frame ${number}`);
    }
  }
  input.end();
  assertEquals(await soon(results.next(), "the end"), {
    done: true,
    value: undefined,
  });
}

for (
  const { ack, path, broker, isFull } of [
    { ack: "grpc", path: "lane", broker: BROKERS.new },
    { ack: "xpc", path: "dictionary", broker: BROKERS.new },
    { ack: "xpc", path: "lane", broker: BROKERS.old },
    { ack: "xpc", path: "lane", broker: BROKERS.new, isFull: true },
  ] satisfies Exchange[] as Exchange[]
) {
  foreignTest(
    `our host against a client in C by ${path}${
      isFull ? " with full rings" : ""
    }, its control plane in Python, the ACK over ${ack}${broker.of}`,
    (world) =>
      nativeLeavesNothing(async () => {
        const client = Promise.withResolvers<Program>();
        await using programs = new AsyncDisposableStack();
        const warnings: string[] = [];
        const args = [
          "--ack",
          ack,
          ...(isFull ? ["--fault", "full_lane"] : []),
        ];
        const host = new Supervisor(Native.open(), {
          schema,
          runtimeId: "test",
          processorId: "foreign",
          name: "client",
          processorType: "reactive",
          path,
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
            const program = world.control("client", args, env);
            programs.use(program);
            client.resolve(program);
            return program.process;
          },
          warn: (text) => warnings.push(text),
          restart: "never",
          settings: {},
          restarting: () => {},
        });
        await using _ = {
          [Symbol.asyncDispose]: () => soon(host.close(), "the host's end"),
        };
        await soon(host.ready, "ready");
        const program = await soon(client.promise, "the client's start");
        assertEquals(host.channel.stats.path, path);
        // Another size each time: once a pool is full, surfaces are retired.
        const frames = isFull ? OVERFLOWING : FRAMES;
        await exchange(host, frames, isFull ? 0 : 1);
        const looked = JSON.parse(await program.line("its look at the broker"));
        await soon(host.drain(undefined), "drained");
        await soon(host.close(), "close");
        assertEquals(await soon(host.ended, "the host's end"), undefined);
        assertEquals(warnings, []);
        const result = {
          ...looked,
          ...JSON.parse(await program.line("the result")),
        } as Result;
        assertEquals(result.states.at(-1), "ready");
        assertEquals(result.info, READY);
        assertEquals(result.codes, [0]);
        const { offers, retired, records } = result.client;
        assertCounts(
          result.client,
          { role: "client", ended: "teardown", ends: 1 },
          frames,
        );
        if (isFull) assert(records > 0 && records < frames, `${records}`);
        else {
          assertEquals(records, path === "lane" ? frames : 0);
          assertEquals(offers, frames);
          assert(retired > 0);
        }
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
    const [, json] = [...text.matchAll(/```json\n([^`]*)```/g)].at(-1)!;
    assertStringIncludes(
      text,
      `schema_hash: "${schemaHash(JSON.parse(json!))}"`,
    );
  },
);
