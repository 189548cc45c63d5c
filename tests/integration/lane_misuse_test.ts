/**
 * What a host does about a client that misuses what belongs to a lane: bells,
 * numbers, records in messages. The client is played. `hostile_lane_test.ts` has
 * the memory itself.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Socket } from "node:net";
import { Native } from "../../ffi/native.ts";
import type { BridgeError } from "../../proto/errors.ts";
import { LANE_DEFAULT_SLOTS, LANE_HEAD } from "../../proto/lane/layout.ts";
import { compileLane } from "../../proto/lane/lane_codec.ts";
import {
  laneBytes,
  type MemoryFinder,
  type MemoryName,
} from "../../proto/lane/lane_memory.ts";
import {
  RECORD_HEADER_BYTES,
  RECORD_KIND,
  releaseBytes,
  writeRelease,
} from "../../proto/lane/record.ts";
import type { Frame } from "../../proto/schema/field_type.ts";
import { baseMinor } from "../../proto/schema/minor.ts";
import { FEATURES } from "../../proto/wire/features.ts";
import { CHANNEL_KEY, MSG_TYPE } from "../../proto/wire/keys.ts";
import {
  getData,
  uint64,
  type XpcDictionary,
} from "../../proto/wire/xpc_value.ts";
import { EVERY_FRAME } from "../fixtures/ports.ts";
import { attackControl } from "../helpers/attack_messages.ts";
import { surface } from "../helpers/fake_capabilities.ts";
import { NO_BELL, noBell } from "../helpers/no_bell.ts";
import {
  type Played,
  playedTest,
  shakeHandsWithLane,
  STARTED,
} from "../helpers/played_client.ts";
import type { PlayedLane } from "../helpers/lane/played_lane.ts";
import { soon, until } from "../helpers/soon.ts";

async function hostEnds(
  { host }: Played,
  code: string,
  words: string,
): Promise<void> {
  const failure = (await soon(host.ended, "the host's end")) as BridgeError;
  assertEquals(failure.code, code, failure.message);
  assertStringIncludes(failure.message, words);
}

/** Sends the host a frame to be sent, and returns what the client finds in its ring. */
async function sendFrame({ host }: Played, number: number): Promise<void> {
  const { video } = host.channel.senders;
  await soon(video.ready, `room for ${number}`);
  using frame = video.acquire({
    pixel_buffer: { width: 2, height: 1, pixel_format: "rgba8" },
    pixel_format: "rgba8",
    width: 2,
    height: 1,
    timestamp_ns: 0n,
    frame_number: BigInt(number),
  });
  assert(video.send(frame));
}

// ---- bells ----

playedTest(
  "a host whose client sends a file for a bell ends the connection and says so",
  async (played) => {
    using native = Native.open();
    using bell = noBell(native);
    await shakeHandsWithLane(played.client, {}, {
      [CHANNEL_KEY.bell]: bell.borrow(),
    });
    await hostEnds(played, "malformed_message", NO_BELL);
  },
  { read: true },
);

playedTest(
  "a bell that is no descriptor is none: frames are messages",
  async (played) => {
    const { client, host } = played;
    await shakeHandsWithLane(client, {}, { [CHANNEL_KEY.bell]: "a bell" });
    client.send(STARTED);
    await soon(host.ready, "ready");
    assertEquals(host.channel.stats.path, "dictionary");
    await sendFrame(played, 7);
    const { fields } = await client.frame();
    assertEquals((fields as XpcDictionary)["frame_number"], uint64(7));
  },
);

playedTest(
  "a bell that its owner has shut down costs only its owner the rings",
  async (played) => {
    const { client, host } = played;
    using native = Native.open();
    const lane = await shakeHandsWithLane(client);
    using bell = lane.bell();
    const { handle } = bell.borrow();
    const fd = native.checked(native.symbols.slb_fd_dup(handle));
    const socket = new Socket({ fd, writable: true });
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.destroySoon();
    await soon(closed, "the socket");
    client.send(lane.numbered(STARTED));
    await soon(host.ready, "ready");
    for (let number = 0; number < 3; number++) await sendFrame(played, number);
    await until("the records", () => lane.read().length > 0);
    assertEquals(host.failure, undefined);
  },
);

// ---- numbers ----

/** Shakes hands, and starts: the client's next message has the number 2. */
async function start({ host, client }: Played): Promise<PlayedLane> {
  const lane = await shakeHandsWithLane(client, {
    // Each frame then is of the base form of its schema.
    [CHANNEL_KEY.features]: FEATURES.filter((name) => name !== "minors"),
  });
  client.send(lane.numbered(STARTED));
  await soon(host.ready, "ready");
  return lane;
}

const NOTE = attackControl("a note");

for (
  const [what, number, words] of [
    ["number again", 1, "number = 1 (allowed: 2, the next one)"],
    ["number far ahead", 2 ** 31, "number = 2147483648 (allowed: 2"],
    ["number 0", 0, "number = 0 (allowed: 2"],
    ["number of 64 bits", 2n ** 64n - 1n, "number = 18446744073709551615"],
  ] as const
) {
  playedTest(
    `a message with a ${what} ends the connection by name`,
    async (played) => {
      await start(played);
      played.client.send({ ...NOTE, [CHANNEL_KEY.number]: uint64(number) });
      await hostEnds(played, "malformed_message", words);
    },
  );
}

playedTest(
  "a message without a number is handled, and counts as none",
  async (played) => {
    const { host, client } = played;
    await shakeHandsWithLane(client);
    client.send(STARTED); // as any message that no record follows
    await soon(host.ready, "ready");
    client.send({ ...NOTE, [CHANNEL_KEY.number]: "1" });
    client.send({ ...NOTE, [CHANNEL_KEY.number]: uint64(1) });
    await sendFrame(played, 1);
    client.send({ ...NOTE, [CHANNEL_KEY.number]: uint64(1) });
    await hostEnds(
      played,
      "malformed_message",
      "number = 1 (allowed: 2, the next one)",
    );
  },
);

playedTest(
  "a record that follows a message which is never sent ends the connection after a while",
  async (played) => {
    const lane = await start(played);
    lane.send(new Uint8Array(12), { kind: RECORD_KIND.release, after: 3 });
    await hostEnds(
      played,
      "timed_out",
      "it has written a record with after = 3, and its message 2 did not come within 5000 ms",
    );
  },
  { exhaustive: true }, // it takes these 5 s; the transport's own test has another clock
);

// ---- records in messages ----

playedTest(
  "records in messages that are none are counted and dropped, whatever their length",
  async (played) => {
    const { client, host, warnings } = played;
    const lane = await start(played);
    const none = (record: Uint8Array): XpcDictionary =>
      lane.numbered({
        [CHANNEL_KEY.msgType]: MSG_TYPE.frame,
        [CHANNEL_KEY.record]: record,
      });
    const payload = new Uint8Array(40);
    const messages = [
      none(new Uint8Array(0)),
      none(new Uint8Array(3)),
      none(new Uint8Array(RECORD_HEADER_BYTES)),
      none(new Uint8Array(1024 * 1024 - 300).fill(0xff)),
      lane.recordMessage(payload, { kind: RECORD_KIND.release }),
      lane.recordMessage(payload, { kind: RECORD_KIND.end }),
      lane.recordMessage(payload, { kind: RECORD_KIND.skip }),
      lane.recordMessage(payload, { slots: 1 }),
      lane.recordMessage(payload, { bytes: 39 }),
      lane.recordMessage(payload, { bytes: 41 }),
      lane.recordMessage(payload, { port: 1 }),
      lane.recordMessage(payload, { port: 0xffff }),
      lane.recordMessage(new Uint8Array(0)),
      lane.recordMessage(new Uint8Array(1024 * 1024 - 300).fill(0xff)),
      lane.recordMessage(new Uint8Array(1024 * 1024 - 300)),
      lane.numbered({
        [CHANNEL_KEY.msgType]: MSG_TYPE.frame,
        [CHANNEL_KEY.record]: "no data",
      }),
    ];
    for (const message of messages) client.send(message);
    await until(
      "the last message",
      () => host.channel.stats.misfits === messages.length,
      () => `${host.channel.stats.misfits} of ${messages.length}`,
    );
    assertStringIncludes(warnings[0]!, "received a record of 0 bytes");
    assertEquals(warnings.length, 3, warnings.join("\n"));
    await sendFrame(played, 1);
    await until("a record", () => lane.read().length > 0);
  },
);

// ---- a ring that is full ----

const { schema } = EVERY_FRAME;
const codec = compileLane(schema, { minor: baseMinor(schema) });

/** The number of a frame, and the name of its surface. */
function readFrame(
  payload: Uint8Array<ArrayBuffer>,
): { number: number; piece: MemoryName } {
  const names: MemoryName[] = [];
  const finder: MemoryFinder = {
    texture: (name) => {
      names.push(name);
      return surface("rgba8");
    },
    buffer: () => "none here",
  };
  const frame = {} as Frame<typeof schema>;
  const from = laneBytes(payload);
  const misfit = codec.read(from, 0, payload.length, finder, frame);
  if (misfit) throw new Error(misfit.message);
  return { number: Number(frame.frame_number), piece: names[0]! };
}

function release(lane: PlayedLane, piece: MemoryName): void {
  const record = laneBytes(
    new Uint8Array(RECORD_HEADER_BYTES + releaseBytes(1, 0)),
  );
  writeRelease(record, 0, 0, 0, [piece], []);
  lane.send(record.bytes.subarray(RECORD_HEADER_BYTES), {
    kind: RECORD_KIND.release,
  });
}

playedTest(
  "a client that never says what it has read gets every frame, the later ones as messages, and in order",
  async (played) => {
    const { client, host } = played;
    const lane = await start(played);
    const came: number[] = [];
    let messages = 0;
    const FRAMES = 400;
    for (let number = 0; number < FRAMES; number++) {
      await sendFrame(played, number);
      let payloads = lane.read(false)
        .filter(({ kind }) => kind === RECORD_KIND.frame)
        .map(({ payload }) => payload);
      if (payloads.length === 0) {
        const record = getData(await client.frame(), CHANNEL_KEY.record)!;
        payloads = [Uint8Array.from(record.subarray(RECORD_HEADER_BYTES))];
        messages++;
      }
      for (const payload of payloads) {
        const { number, piece } = readFrame(payload);
        came.push(number);
        release(lane, piece);
      }
    }
    assertEquals(came, Array.from({ length: FRAMES }, (_, number) => number));
    assert(lane.get(lane.in, LANE_HEAD) <= LANE_DEFAULT_SLOTS);
    assert(messages > 100, `${messages} messages`);
    const { sent, dropped } = host.channel.senders.video.stats;
    assertEquals([sent, dropped], [FRAMES, 0]);
  },
);
