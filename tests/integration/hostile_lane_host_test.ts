/**
 * A client is attacked through its lane by the host that has started it: it goes on,
 * or ends and says why. The host is played.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Broker } from "../../broker/broker.ts";
import { agreeWithHost } from "../../client/agreement.ts";
import { ClientBridge } from "../../client/bridge.ts";
import { NativeBuffer } from "../../ffi/buffer.ts";
import { Native } from "../../ffi/native.ts";
import { clientStarter } from "../../host/spawn/spawn.ts";
import type { BridgeError } from "../../proto/errors.ts";
import {
  LANE_AT_SLOT_BYTES,
  LANE_AT_SLOTS,
  LANE_AT_VERSION,
  LANE_DEFAULT_SLOTS,
} from "../../proto/lane/layout.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { DataFrame } from "../../proto/schema/frames/data_frame.ts";
import { teardownMessage } from "../../proto/states/handshake_messages.ts";
import { CHANNEL_KEY, CTRL_TYPE } from "../../proto/wire/keys.ts";
import type { XpcDictionary } from "../../proto/wire/xpc_value.ts";
import type { FrameReceiver } from "../../channel/ports/frame_receiver.ts";
import { testClient } from "../helpers/client_module.ts";
import { attackFrame } from "../helpers/attack_messages.ts";
import { isolatedHome } from "../helpers/home.ts";
import {
  LANE_ATTACKED_PORTS,
  LANE_ATTACKS,
  type LaneAttack,
  MISUSED,
  offerMemory,
} from "../helpers/lane/lane_attacks.ts";
import { nativeLeavesNothing } from "../helpers/native_leaks.ts";
import { NO_BELL, noBell } from "../helpers/no_bell.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { PlayedHost } from "../helpers/played_host.ts";
import { PlayedLane } from "../helpers/lane/played_lane.ts";
import { Prng } from "../helpers/prng.ts";
import { PATIENCE_MS, soon } from "../helpers/soon.ts";

const SERVICE = "com.example.hostile";
const SCHEMA = connectionSchema({
  inputs: LANE_ATTACKED_PORTS,
  outputs: { results: DataFrame },
});
const NEEDS = { read: true, write: true, env: true, service: true } as const;

/** Runs `body` with a host that is played. */
async function withHost(
  body: (host: PlayedHost, native: Native) => Promise<void>,
): Promise<void> {
  using _ = isolatedHome();
  await nativeLeavesNothing(async () => {
    await using _broker = await Broker.start({
      service: SERVICE,
      log: { sink: () => {} },
    });
    using native = Native.open();
    await using host = await PlayedHost.start(native, SERVICE, SCHEMA);
    await body(host, native);
  });
}

// ---- the handshake, with a client in this process ----

/** A client, and what it has said. */
class Client implements AsyncDisposable {
  readonly warnings: string[] = [];
  readonly ended = Promise.withResolvers<BridgeError | undefined>();
  input!: Readonly<Record<string, FrameReceiver>>;
  readonly bridge: ClientBridge;

  constructor({ connection_id, token }: PlayedHost["credentials"]) {
    this.bridge = new ClientBridge(
      { connection_id, token, service: SERVICE },
      {
        native: Native.open(),
        isOrphan: () => false,
        warn: (text) => void this.warnings.push(text),
      },
      {
        load: (schema) => {
          const { channel, ping } = this.bridge;
          this.input = agreeWithHost(channel, schema, undefined, ping).input;
          this.bridge.started("reactive");
        },
        arrived: () => {},
        portEnded: () => {},
        command: () => {},
        request: () => {},
        ended: (failure) => this.ended.resolve(failure),
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await soon(this.bridge[Symbol.asyncDispose](), "the client's end");
  }
}

/** Memory in which one number of a lane's beginning is another. */
function crafted(native: Native, at: number, value: number): NativeBuffer {
  using lane = PlayedLane.create(native, LANE_DEFAULT_SLOTS);
  const { bytes } = lane.views;
  const buffer = NativeBuffer.create(native, bytes.length);
  const memory = buffer.open();
  new Uint8Array(memory).set(bytes);
  new DataView(memory).setUint32(at, value, true);
  buffer.close(memory);
  return buffer;
}

type NoLane = [
  what: string,
  offer: (native: Native, held: DisposableStack) => XpcDictionary,
  words?: string,
];

/** What a host offers in place of a lane, and what its client says of it. */
const NO_LANES: readonly NoLane[] = [
  [
    "memory with nothing in it",
    (native, held) => ({
      lane: held.use(NativeBuffer.create(native, 65_536)).borrow(),
    }),
    "the memory starts with 0x00000000, that of a lane with 0x314e4c53",
  ],
  [
    "a page of memory",
    (native, held) => ({
      lane: held.use(NativeBuffer.create(native, 1)).borrow(),
    }),
    "Cannot open a lane: ",
  ],
  ...([
    [LANE_AT_VERSION, 2, "of version 2: this library has version 1"],
    [LANE_AT_SLOTS, 24, "of 24 slots of 64 bytes"],
    [LANE_AT_SLOTS, 4096, "of 4096 slots: its memory has"],
    [LANE_AT_SLOT_BYTES, 128, "slots of 128 bytes"],
  ] as const).map(([at, value, words]): NoLane => [
    `a lane with the number ${value} at ${at}`,
    (native, held) => ({
      lane: held.use(crafted(native, at, value)).borrow(),
    }),
    words,
  ]),
  ["a descriptor", (native, held) => ({
    lane: held.use(noBell(native)).borrow(),
  })],
  ["text", () => ({ lane: "a lane" })],
];

permittedTest(
  "a client whose host offers no lane that it can use says why, and gets its frames as messages",
  NEEDS,
  async (t) => {
    for (const [what, offer, words] of NO_LANES) {
      await t.step(
        `the host offers ${what}`,
        () =>
          withHost(async (host, native) => {
            await using client = new Client(host.credentials);
            using held = new DisposableStack();
            using other = PlayedLane.create(native, 16);
            await host.letIn();
            const pong = await host.ping({
              ...offer(native, held),
              [CHANNEL_KEY.bell]: other.bell().borrow(),
            });
            assertEquals(pong[CHANNEL_KEY.bell], undefined);
            await host.control(CTRL_TYPE.started);
            host.send(attackFrame("ordered", 1n));
            using frame = await soon(
              client.input["ordered"]!.next(),
              "a frame",
            );
            assertEquals((frame as unknown as Frame).data.length, 100_000);
            assertEquals(client.bridge.channel.stats.path, "dictionary");
            assertEquals(client.warnings.length, words ? 1 : 0);
            assertStringIncludes(client.warnings[0] ?? "", words ?? "");
            host.send(teardownMessage());
            assertEquals(
              await soon(client.ended.promise, "the end"),
              undefined,
            );
          }),
      );
    }
  },
);

type Frame = { readonly data: Uint8Array };

permittedTest(
  "a client whose host sends a lane without a bell uses none, one that sends a file for a bell ends the connection",
  NEEDS,
  async () => {
    await withHost(async (host, native) => {
      await using client = new Client(host.credentials);
      using lane = PlayedLane.create(native, LANE_DEFAULT_SLOTS);
      await host.letIn();
      const says = { [CHANNEL_KEY.lane]: lane.memory().borrow() };
      assertEquals((await host.ping(says))[CHANNEL_KEY.bell], undefined);
      await host.control(CTRL_TYPE.started);
      assertEquals(client.warnings, []);
    });
    await withHost(async (host, native) => {
      await using client = new Client(host.credentials);
      using lane = PlayedLane.create(native, LANE_DEFAULT_SLOTS);
      using bell = noBell(native);
      await host.letIn();
      host.ping({
        [CHANNEL_KEY.lane]: lane.memory().borrow(),
        [CHANNEL_KEY.bell]: bell.borrow(),
      }).catch(() => {}); // no pong comes
      const told = await host.control(CTRL_TYPE.error);
      assertStringIncludes(String(told["error"]), NO_BELL);
      const failure = await soon(client.ended.promise, "the client's end");
      assertEquals(failure?.code, "malformed_message");
      assertStringIncludes(failure!.message, NO_BELL);
    });
  },
);

// ---- the memory, with a client in a process of its own ----

/** How long an attack lasts. */
const ATTACK_MS = 60;

/** Attacks a client. Returns its exit code and what it has written. */
async function attack(
  host: PlayedHost,
  native: Native,
  { begin, step, ends }: LaneAttack,
): Promise<{ code: number; written: string }> {
  const { connection_id, token } = host.credentials;
  const start = clientStarter({
    permissions: undefined,
    ...testClient("copies_all.ts", { read: true }),
    name: "client",
    runner: new URL("../../client/runner.ts", import.meta.url),
    grpcClient: undefined,
    userEnv: {},
    deno: undefined,
    config: undefined,
    output: () => {},
  });
  await start.prepare?.(new AbortController().signal);
  const client = start({
    STREAMLIB_BROKER_XPC_SERVICE: SERVICE,
    STREAMLIB_CONNECTION_ID: connection_id,
    STREAMLIB_CONNECTION_TOKEN: token,
  });
  await using _client = {
    [Symbol.asyncDispose]: async () => {
      client.kill("SIGKILL");
      await soon(client.exit, "the client's end");
    },
  };
  await host.letIn();
  using lane = PlayedLane.create(native, LANE_DEFAULT_SLOTS);
  await host.ping({
    [CHANNEL_KEY.lane]: lane.memory().borrow(),
    [CHANNEL_KEY.bell]: lane.bell().borrow(),
  }, lane);
  await host.control(CTRL_TYPE.started);
  using _ = offerMemory(native, lane, (message) => host.send(message));
  const prng = new Prng(15);
  begin?.(lane, prng);
  let isOver = false;
  host.left.promise.then(() => isOver = true);
  const deadline = performance.now() + (ends ? PATIENCE_MS : ATTACK_MS);
  while (!isOver && performance.now() < deadline) {
    for (let n = 0; n < 20; n++) step(lane, prng);
    await new Promise((resolve) => setTimeout(resolve));
  }
  host.send(lane.numbered(teardownMessage()));
  const { code, stderrTail } = await soon(client.exit, "the client's end");
  return { code, written: stderrTail };
}

/** Those of a quick run. A client is a process, which takes a while to start. */
const SAMPLE = new Set([
  "writes any number to head",
  "writes any number to tail",
  "changes frames while they are read",
  "rings without end",
]);

for (const [name, how] of Object.entries(LANE_ATTACKS)) {
  permittedTest(
    `a client whose host ${name} ${
      how.ends ? "ends and says why" : "goes on, or says why not"
    }`,
    { ...NEEDS, run: true, ...(!SAMPLE.has(name) && { exhaustive: true }) },
    () =>
      withHost(async (host, native) => {
        const { code, written } = await attack(host, native, how);
        const reason = how.ends ?? MISUSED;
        if (code === 1 && (how.ends || how.mayEnd)) {
          assert(reason.test(written), written);
          assertStringIncludes(
            written,
            "streamlib client: client: malformed_message: The other side has misused the lane: it",
          );
        } else assertEquals([code, how.ends], [0, undefined], written);
      }),
  );
}
