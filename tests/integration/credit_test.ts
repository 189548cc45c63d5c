import { assert, assertEquals } from "@std/assert";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import {
  MAX_OFFERED,
  MAX_UNCONFIRMED_BYTES,
  MAX_UNCONFIRMED_FRAMES,
  MAX_UNREAD_BYTES,
} from "../../proto/limits.ts";
import {
  Array as ArrayType,
  DataFrame,
  port,
  schema,
  Texture,
  VideoFrame,
} from "../../proto/mod.ts";
import {
  int64,
  uint64,
  type XpcDictionary,
} from "../../proto/wire/xpc_value.ts";
import { type ChannelPair, channelPairTest } from "../helpers/channel_pair.ts";
import { TEST_PATH } from "../helpers/lane/lane_handshake.ts";
import { soon, until } from "../helpers/soon.ts";

/** The messages of one release: on a lane it is a record. */
const RELEASE = TEST_PATH === "lane" ? 0 : 1;

const CAPACITY = 64;
const IN_ORDER = { read_behavior: "read_next_in_order" } as const;
const { inputs: PORTS } = connectionSchema({
  inputs: {
    latest: DataFrame,
    every: port(DataFrame, { ...IN_ORDER, capacity: CAPACITY }),
    video: port(VideoFrame, { capacity: 1 }),
  },
});
type Pair = ChannelPair<typeof PORTS>;
type DataPort = "latest" | "every";

function creditTest(name: string, body: (pair: Pair) => Promise<void>): void {
  channelPairTest(name, PORTS, body);
}

function sendData(
  { sender }: Pair,
  name: DataPort,
  number: number,
  data = Uint8Array.of(number),
): boolean {
  const timestamp_ns = BigInt(number);
  using frame = sender.senders[name].acquire({
    data,
    schema_name: "test",
    timestamp_ns,
  });
  return sender.senders[name].send(frame);
}

function sendVideo({ sender }: Pair, number: number): boolean {
  const size = { width: 4, height: 4, pixel_format: "rgba8" } as const;
  using frame = sender.senders.video.acquire({
    ...size,
    pixel_buffer: size,
    timestamp_ns: 0n,
    frame_number: BigInt(number),
  });
  frame.pixel_buffer.pixels.fill(number);
  return sender.senders.video.send(frame);
}

/** Sends and reads until nothing waits, and returns the number of the newest frame. */
async function newest(pair: Pair): Promise<bigint | undefined> {
  let number: bigint | undefined;
  do {
    await pair.settle();
    using frame = pair.receiver.receivers.latest.get();
    number = frame?.timestamp_ns ?? number;
  } while (pair.sender.stats.waiting > 0);
  await pair.settle();
  using last = pair.receiver.receivers.latest.get();
  return last?.timestamp_ns ?? number;
}

creditTest(
  "latest: a few frames are on their way, the newest one waits and is replaced, and every one is counted",
  async (pair) => {
    const { latest } = pair.sender.senders;
    for (let n = 1; n <= 100; n++) assert(sendData(pair, "latest", n));
    assertEquals(latest.stats, {
      sent: MAX_UNCONFIRMED_FRAMES,
      dropped: 99 - MAX_UNCONFIRMED_FRAMES,
      waiting: 1,
    });
    assertEquals(await newest(pair), 100n);
    assertEquals(latest.stats, {
      sent: MAX_UNCONFIRMED_FRAMES + 1,
      dropped: 99 - MAX_UNCONFIRMED_FRAMES,
      waiting: 0,
    });
  },
);

creditTest(
  "latest: ready waits until a frame would be sent at once, also if nobody reads",
  async (pair) => {
    const { latest } = pair.sender.senders;
    for (let n = 1; n <= 30; n++) {
      await soon(latest.ready, "room");
      assert(sendData(pair, "latest", n));
      assertEquals(latest.stats, { sent: n, dropped: 0, waiting: 0 });
    }
    await pair.settle();
    assertEquals(pair.receiver.receivers.latest.stats.received, 30);
  },
);

creditTest(
  "latest: a frame that waits is sent as it was when it was given to send",
  async (pair) => {
    const data = new Uint8Array(8);
    for (let n = 1; n <= 10; n++) sendData(pair, "latest", n, data.fill(n));
    data.fill(99);
    await pair.settle();
    await pair.settle();
    using frame = pair.receiver.receivers.latest.get();
    assertEquals([...frame!.data], Array(8).fill(10));
  },
);

creditTest(
  "latest: with memory too the newest frame waits, and the memory of replaced ones is used again",
  async (pair) => {
    const { video } = pair.sender.senders;
    const { capacity } = video;
    for (let n = 1; n <= 50; n++) assert(sendVideo(pair, n), `frame ${n}`);
    assertEquals(video.stats, { sent: 2, dropped: 47, waiting: 1 });
    await until("the newest frame is there", async () => {
      await pair.settle();
      using frame = pair.receiver.receivers.video.get();
      if (frame?.frame_number !== 50n) return false;
      assert(frame.pixel_buffer.pixels.every((byte) => byte === 50));
      return true;
    });
    await pair.settle();
    assertEquals(video.stats, { sent: 3, dropped: 47, waiting: 0 });
    // Each has two mappings, of the sender and of the receiver.
    const { surface } = pair.native.stats().by_kind;
    assert(surface <= 2 * (capacity + 3), `${surface} surfaces`);
  },
);

creditTest(
  "a frame that waits is dropped and counted when the peer goes, and when the channel ends",
  async (pair) => {
    for (let n = 1; n <= 9; n++) {
      sendData(pair, "latest", n);
      sendVideo(pair, n);
    }
    assertEquals(pair.sender.stats.waiting, 2);
    const { sent, dropped } = pair.sender.stats;
    pair.kill("receiver");
    assertEquals(pair.sender.stats.waiting, 0);
    assertEquals(pair.sender.stats.dropped, dropped + 2);
    assertEquals(pair.sender.stats.sent, sent);
    await pair.connect();
    for (let n = 1; n <= 9; n++) {
      sendData(pair, "latest", n);
      assert(sendVideo(pair, n));
    }
    assertEquals(pair.sender.stats.waiting, 2);
    pair.sender.end();
    const { stats } = pair.sender;
    assertEquals([stats.waiting, stats.sent + stats.dropped], [0, 36]);
  },
);

creditTest(
  "a frame that does not fit replaces nothing, and one that is too large neither",
  async (pair) => {
    for (let n = 1; n <= 9; n++) sendData(pair, "latest", n);
    for (const data of [null, new Uint8Array(2 << 20)]) {
      let refused = false;
      try {
        sendData(pair, "latest", 10, data as Uint8Array<ArrayBuffer>);
      } catch {
        refused = true;
      }
      assert(refused);
    }
    assertEquals(await newest(pair), 9n);
  },
);

creditTest(
  "in order: bytes count together with the capacity, ready waits for both, and nothing is lost",
  async (pair) => {
    const { every } = pair.sender.senders;
    const data = new Uint8Array(900_000);
    let sent = 0;
    while (sendData(pair, "every", sent + 1, data)) sent++;
    assertEquals(sent, Math.ceil(MAX_UNCONFIRMED_BYTES / 900_000));
    let ready = false;
    every.ready.then(() => ready = true);
    await pair.settle();
    assert(!ready);
    for (let n = 1; n <= sent; n++) {
      using frame = pair.receiver.receivers.every.get();
      assertEquals(frame?.timestamp_ns, BigInt(n));
    }
    await soon(every.ready, "room");
    assertEquals(pair.receiver.stats.dropped, 0);
  },
);

function dataMessage(
  port_name: string,
  number: number,
  data: Uint8Array,
): XpcDictionary {
  return {
    msg_type: "frame",
    frame_id: uint64(number),
    port_name,
    fields: { data, schema_name: "x", timestamp_ns: int64(number) },
  };
}

creditTest(
  "a sender that keeps to no bound fills the receiver's queue to its bytes, no further",
  async (pair) => {
    const data = new Uint8Array(1_000_000);
    const kept = Math.ceil(MAX_UNREAD_BYTES / data.length);
    for (const name of ["every", "latest"] as const) {
      for (let n = 1; n <= 30; n++) {
        pair.raw.send(dataMessage(name, n, data));
        await pair.settle();
      }
      const receiver = pair.receiver.receivers[name];
      assert(receiver.size <= kept, `${receiver.size} frames of ${name}`);
      assertEquals(receiver.stats.dropped, 30 - receiver.size);
      using frame = receiver.get();
      assertEquals(frame?.timestamp_ns, name === "every" ? 1n : 30n);
    }
    // The raw frames were confirmed to a sender that does not know them.
    assert(pair.sender.stats.stray_releases > 0);
    assertEquals(pair.problems, []);
  },
);

creditTest(
  "a peer that confirms nothing gets as many frames as may be unconfirmed",
  async (pair) => {
    pair.receiver.detach();
    for (let n = 1; n <= 20; n++) {
      sendData(pair, "latest", n);
      sendData(pair, "every", n);
      await pair.settle();
    }
    assertEquals(pair.sender.senders.latest.stats, {
      sent: MAX_UNCONFIRMED_FRAMES,
      dropped: 19 - MAX_UNCONFIRMED_FRAMES,
      waiting: 1,
    });
    assertEquals(pair.sender.senders.every.stats.sent, 20);
  },
);

creditTest(
  "what the receiver drops unread is told to the sender",
  async (pair) => {
    for (let n = 1; n <= 3; n++) sendVideo(pair, n);
    await until("all were sent", async () => {
      await pair.settle();
      return pair.sender.stats.waiting === 0;
    });
    pair.receiver.receivers.video.get()?.[Symbol.dispose]();
    await pair.settle();
    assertEquals(pair.receiver.stats.dropped, 2);
    assertEquals(pair.sender.stats.peer_dropped, 2);
  },
);

creditTest(
  "whatever one message names, the answer is one message",
  async (pair) => {
    sendVideo(pair, 1);
    await pair.settle();
    const name = { surface_id: uint64(1), generation: uint64(1) };
    const sent = (): number => pair.native.stats().messages_sent;
    const count = async (message: XpcDictionary): Promise<number> => {
      const before = sent();
      await pair.settle();
      const settling = sent() - before;
      pair.raw.send(message);
      await pair.settle();
      return sent() - before - 2 * settling - 1;
    };
    const frame = {
      msg_type: "frame",
      frame_id: uint64(9),
      port_name: "video",
    };
    const names = Array(10_000).fill(name);
    assertEquals(
      await count({ ...frame, fields: { pixel_buffer: names } }),
      RELEASE,
    );
    assertEquals(
      await count({ ...frame, port_name: "none", fields: { names } }),
      RELEASE,
    );
    const arrays = Array(30_000).fill([]);
    assertEquals(await count({ ...frame, fields: { arrays } }), RELEASE);
    const ids = new Uint8Array(8 * 100_000);
    const release = { msg_type: "control", ctrl_type: "release" };
    assertEquals(await count({ ...release, frames: ids }), 0);
    assertEquals(pair.problems.length, 3);
  },
);

const Tiles = connectionSchema({
  inputs: {
    tiles: port(
      schema({
        name: "Tiles",
        version: { major: 1, minor: 0, patch: 0 },
        fields: { tiles: ArrayType(Texture("any")) },
      }),
      { ...IN_ORDER, capacity: 1 },
    ),
  },
}).inputs;

channelPairTest(
  "a frame with many pieces is released by one message, and one with more pieces than can be offered is a misfit",
  Tiles,
  async (pair) => {
    const size = { width: 2, height: 2, pixel_format: "gray8" } as const;
    const { tiles } = pair.sender.senders;
    using frame = tiles.acquire({ tiles: Array(20).fill(size) });
    assert(tiles.send(frame));
    await pair.settle();
    const { messages_sent } = pair.native.stats();
    pair.receiver.receivers.tiles.get()![Symbol.dispose]();
    assertEquals(pair.native.stats().messages_sent, messages_sent + RELEASE);
    await soon(tiles.ready, "all tiles are back");
    pair.raw.send({
      msg_type: "frame",
      frame_id: uint64(2),
      port_name: "tiles",
      fields: {
        tiles: Array(MAX_OFFERED + 1).fill({
          surface_id: uint64(1),
          generation: uint64(1),
        }),
      },
    });
    await pair.settle();
    assertEquals(pair.receiver.stats.misfits, 1);
  },
);
