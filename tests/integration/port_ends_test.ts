import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { BridgeError, DataFrame, port, VideoFrame } from "../../proto/mod.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { NO_FEATURES } from "../../proto/wire/features.ts";
import { uint64 } from "../../proto/wire/xpc_value.ts";
import { type ChannelPair, channelPairTest } from "../helpers/channel_pair.ts";
import { soon } from "../helpers/soon.ts";

const { inputs: PORTS } = connectionSchema({
  inputs: {
    every: port(DataFrame, {
      read_behavior: "read_next_in_order",
      capacity: 4,
    }),
    latest: DataFrame,
    video: port(VideoFrame, { capacity: 1 }),
  },
});
type Pair = ChannelPair<typeof PORTS>;

function endTest(name: string, body: (pair: Pair) => Promise<void>): void {
  channelPairTest(`ends: ${name}`, PORTS, body);
}

function send({ sender }: Pair, name: "every" | "latest", n: number): boolean {
  using frame = sender.senders[name].acquire({
    data: new Uint8Array(0),
    schema_name: "test",
    timestamp_ns: BigInt(n),
  });
  return sender.senders[name].send(frame);
}

function sendVideo({ sender }: Pair, n: number): boolean {
  const size = { width: 4, height: 4, pixel_format: "rgba8" } as const;
  using frame = sender.senders.video.acquire({
    ...size,
    pixel_buffer: size,
    timestamp_ns: 0n,
    frame_number: BigInt(n),
  });
  frame.pixel_buffer.pixels.fill(n);
  return sender.senders.video.send(frame);
}

/** Reads a port to its end. */
async function readAll<T>(
  frames: AsyncIterable<T & Disposable>,
  numberOf: (frame: T) => bigint,
): Promise<bigint[]> {
  const numbers: bigint[] = [];
  for await (using frame of frames) numbers.push(numberOf(frame));
  return numbers;
}

const assertClosed = (error: BridgeError, name: string): void => {
  assertEquals(error.code, "closed");
  assert(error.message.includes(`'${name}'`), error.message);
};

endTest("the reader gets every frame, then the end", async (pair) => {
  const { every } = pair.receiver.receivers;
  for (let n = 0; n < 3; n++) send(pair, "every", n);
  pair.sender.senders.every.end();
  pair.sender.senders.every.end();
  await pair.settle();
  assertEquals([every.ended, every.size, pair.receiver.incomingEnded], [
    false,
    3,
    false,
  ]);
  const reading = readAll(every, (frame) => frame.timestamp_ns);
  assertEquals(await soon(reading, "the end"), [0n, 1n, 2n]);
  assert(every.ended);
  assertEquals(every.get(), undefined);
  assertEquals(await every.next(), undefined);
  assertEquals(pair.problems, []);
});

endTest("a reader that waits is woken by the end", async (pair) => {
  const waiting = pair.receiver.receivers.every.next();
  pair.sender.senders.every.end();
  assertEquals(await soon(waiting, "the end"), undefined);
});

endTest(
  "nothing can be sent after it, and the error names the port",
  async (pair) => {
    const { every } = pair.sender.senders;
    using held = every.acquire({
      data: new Uint8Array(0),
      schema_name: "test",
      timestamp_ns: 0n,
    });
    for (let n = 0; n < 3; n++) send(pair, "every", n);
    const waiting = every.ready; // there is no room
    assertEquals([every.ended, pair.sender.outgoingEnded], [false, false]);
    every.end();
    assert(every.ended);
    const sending = [
      assertThrows(() => send(pair, "every", 4), BridgeError),
      assertThrows(() => every.send(held), BridgeError),
      await assertRejects(() => waiting, BridgeError),
      await assertRejects(() => every.ready, BridgeError),
    ];
    for (const error of sending) {
      assertClosed(error, "every");
      assert(pair.sender.isPastEnd(error));
    }
    assert(!pair.sender.isPastEnd(undefined));
    assert(send(pair, "latest", 1)); // the other ports go on
  },
);

endTest("latest: the frame that waits is sent first", async (pair) => {
  const { latest } = pair.receiver.receivers;
  for (let n = 1; n <= 100; n++) assert(send(pair, "latest", n));
  assertEquals(pair.sender.stats.waiting, 1);
  pair.sender.senders.latest.end();
  assert(!latest.ended);
  const reading = readAll(latest, (frame) => frame.timestamp_ns);
  assertEquals((await soon(reading, "the end")).at(-1), 100n);
  assertEquals(pair.sender.stats.waiting, 0);
  assertEquals(pair.problems, []);
});

endTest(
  "video: the last picture arrives before the end, as it was sent",
  async (pair) => {
    const { video } = pair.receiver.receivers;
    for (let n = 1; n <= 50; n++) assert(sendVideo(pair, n));
    assertEquals(pair.sender.stats.waiting, 1);
    pair.sender.senders.video.end();
    let last = 0n;
    const reading = (async () => {
      for await (using frame of video) {
        last = frame.frame_number;
        const { pixels } = frame.pixel_buffer;
        assert(pixels.every((byte) => byte === Number(last)));
      }
    })();
    await soon(reading, "the end");
    assertEquals(last, 50n);
  },
);

endTest(
  "at the end all frames are confirmed, also one that has no partner",
  async (pair) => {
    send(pair, "latest", 1);
    await pair.settle();
    pair.sender.senders.latest.end();
    await pair.settle();
    await pair.settle();
    pair.kill("receiver");
    assertEquals(pair.sender.stats.lost, 0);
  },
);

endTest(
  "a port that has ended before the connection is ended for the first reader and for the next",
  async (pair) => {
    for (let client = 0; client < 2; client++) {
      pair.kill("receiver");
      pair.sender.senders.every.end();
      await pair.connect();
      const { every } = pair.receiver.receivers;
      assertEquals(await soon(every.next(), "the end"), undefined);
      assert(every.ended);
    }
    assertEquals(pair.problems, []);
  },
);

endTest(
  "the next sender begins anew, and what the last one sent is read",
  async (pair) => {
    const { every } = pair.receiver.receivers;
    send(pair, "every", 1);
    pair.sender.senders.every.end();
    await pair.settle();
    assertEquals(pair.receiver.receivers.every.size, 1);
    pair.kill("sender");
    await pair.connect();
    assert(!every.ended);
    send(pair, "every", 2);
    pair.sender.senders.every.end();
    const reading = readAll(every, (frame) => frame.timestamp_ns);
    assertEquals(await soon(reading, "the end"), [1n, 2n]);
  },
);

endTest(
  "what was with a receiver that died is lost, with the frame that waited; after a close it is not",
  async (pair) => {
    for (let n = 0; n < 3; n++) send(pair, "every", n);
    await pair.settle();
    pair.receiver.receivers.every.get()![Symbol.dispose]();
    await pair.settle();
    await pair.settle();
    for (let n = 1; n <= 5; n++) sendVideo(pair, n); // 2 are out, 1 waits, 2 were replaced
    assertEquals(pair.sender.stats.lost, 0);
    pair.kill("receiver");
    assertEquals(pair.sender.stats.lost, 2 + 3);
    await pair.connect();
    send(pair, "every", 4);
    pair.sender.detach("closed");
    assertEquals(pair.sender.stats.lost, 2 + 3);
  },
);

endTest(
  "a hostile peer's ends are counted, and end no other port",
  async (pair) => {
    const end = { msg_type: "control", ctrl_type: "end" };
    const hostile = [
      end,
      { ...end, port_name: uint64(1) },
      { ...end, port_name: "none" },
      { ...end, port_name: "__proto__" },
    ];
    for (const message of hostile) pair.raw.send(message);
    await pair.settle();
    const { every, latest } = pair.receiver.receivers;
    assertEquals(pair.receiver.stats.misfits, hostile.length);
    pair.raw.send({ ...end, port_name: "every", dropped: uint64(7) });
    pair.raw.send({ ...end, port_name: "every" });
    await pair.settle(); // messages without a number come when they come
    send(pair, "every", 1); // after the end
    await pair.settle();
    await pair.settle();
    const { misfits, peer_dropped } = pair.receiver.stats;
    assertEquals([misfits, peer_dropped], [hostile.length + 2, 7]);
    assertEquals([every.ended, every.size, latest.ended], [true, 0, false]);
    // The frame after the end was released: its sender has room again.
    for (let n = 0; n < 20; n++) {
      await soon(pair.sender.senders.every.ready, "room");
      send(pair, "every", n);
      await pair.settle();
    }
  },
);

endTest(
  "a peer of the first version is not told, and its own end is not heard",
  async (pair) => {
    pair.kill("receiver");
    pair.features = NO_FEATURES;
    await pair.connect();
    send(pair, "every", 1);
    pair.sender.senders.every.end();
    pair.raw.send({
      msg_type: "control",
      ctrl_type: "end",
      port_name: "latest",
    });
    await pair.settle();
    const { every, latest } = pair.receiver.receivers;
    using frame = every.get();
    assertEquals(frame?.timestamp_ns, 1n);
    assertEquals([every.ended, latest.ended], [false, false]);
    assertEquals(pair.receiver.stats.misfits, 0);
  },
);
