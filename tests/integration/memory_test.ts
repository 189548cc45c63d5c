import { assert, assertEquals, assertThrows } from "@std/assert";
import { AudioFrame } from "../../proto/schema/frames/audio_frame.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { DataFrame } from "../../proto/schema/frames/data_frame.ts";
import { BridgeError } from "../../proto/errors.ts";
import { port } from "../../proto/schema/port.ts";
import {
  int64,
  uint64,
  type XpcDictionary,
} from "../../proto/wire/xpc_value.ts";
import { type ChannelPair, channelPairTest } from "../helpers/channel_pair.ts";
import { soon } from "../helpers/soon.ts";

/** Frames other than video: samples in shared memory, and data without any. */
const { inputs } = connectionSchema({
  inputs: {
    audio: port(AudioFrame, { capacity: 3 }),
    data: port(DataFrame, {
      read_behavior: "read_next_in_order",
      capacity: 3,
    }),
  },
});
type Ports = typeof inputs;
type Pair = ChannelPair<Ports>;

function memoryTest(name: string, body: (pair: Pair) => Promise<void>): void {
  channelPairTest<Ports>(name, inputs, body);
}

function sendAudio(pair: Pair, number: number, length = 480): boolean {
  const { audio } = pair.sender.senders;
  using frame = audio.acquire({
    samples: { length },
    channels: 2,
    sample_rate: 48_000,
    timestamp_ns: BigInt(number),
    frame_number: BigInt(number),
  });
  frame.samples.fill(number / 10);
  return audio.send(frame);
}

function sendData(pair: Pair, number: number): boolean {
  const { data } = pair.sender.senders;
  using frame = data.acquire({
    data: Uint8Array.of(number, 2, 3),
    schema_name: "numbers",
    timestamp_ns: BigInt(number),
  });
  return data.send(frame);
}

memoryTest(
  "samples cross in shared memory, of exactly the length that was sent",
  async (pair) => {
    for (const [number, length] of [[1, 480], [2, 479], [3, 1]] as const) {
      assert(sendAudio(pair, number, length));
      await pair.settle();
      using frame = pair.receiver.receivers.audio.get();
      assertEquals(frame?.frame_number, BigInt(number));
      assert(frame!.samples instanceof Float32Array);
      assertEquals(frame!.samples.length, length);
      assert(frame!.samples.every((x) => Math.abs(x - number / 10) < 1e-6));
      frame![Symbol.dispose]();
      await pair.settle();
    }
    // One region with two mappings: shorter frames use the memory of the longer one.
    assertEquals(pair.native.stats().by_kind.shmem, 2);
  },
);

memoryTest("samples are copied nowhere", async (pair) => {
  const before = pair.native.stats();
  for (let n = 0; n < 10; n++) {
    assert(sendAudio(pair, n, 4800));
    await pair.settle();
    pair.receiver.receivers.audio.get()![Symbol.dispose]();
    await pair.settle();
  }
  const after = pair.native.stats();
  assertEquals(after.data_bytes_sent, before.data_bytes_sent);
  assertEquals(after.spill_bytes_sent, before.spill_bytes_sent);
});

memoryTest(
  "in order: audio waits at the sender until it was read, and none is lost",
  async (pair) => {
    assertEquals([1, 2, 3, 4].map((n) => sendAudio(pair, n)), [
      true,
      true,
      true,
      false,
    ]);
    await pair.settle();
    for (const n of [1n, 2n, 3n]) {
      using frame = pair.receiver.receivers.audio.get();
      assertEquals(frame?.frame_number, n);
    }
    await soon(pair.sender.senders.audio.ready, "room");
    assert(sendAudio(pair, 5));
  },
);

memoryTest(
  "in order: frames without shared memory wait as well, until they were released",
  async (pair) => {
    assertEquals([1, 2, 3, 4, 5].map((n) => sendData(pair, n)), [
      true,
      true,
      true,
      false,
      false,
    ]);
    assertEquals(pair.sender.senders.data.stats, {
      sent: 3,
      dropped: 2,
      waiting: 0,
    });
    await pair.settle();
    const { data } = pair.receiver.receivers;
    assertEquals(data.stats, { received: 3, dropped: 0 });
    {
      using frame = data.get();
      assertEquals([...frame!.data], [1, 2, 3]);
      assertEquals(frame!.schema_name, "numbers");
      await pair.settle();
      assertEquals(sendData(pair, 6), false); // still looked at
    }
    await soon(pair.sender.senders.data.ready, "room");
    assert(sendData(pair, 7));
  },
);

memoryTest(
  "samples that are not the acquired ones are refused",
  async (pair) => {
    const { audio } = pair.sender.senders;
    using frame = audio.acquire({
      samples: { length: 4 },
      channels: 1,
      sample_rate: 8_000,
      timestamp_ns: 0n,
      frame_number: 0n,
    });
    frame.samples = new Float32Array(4);
    const error = assertThrows(
      () => audio.send(frame),
      BridgeError,
      "acquire()",
    );
    assertEquals(error.code, "bad_argument");
    await pair.settle();
    assertEquals(pair.receiver.stats.received, 0);
  },
);

memoryTest(
  "after the end, acquiring says why, and disposing what was acquired is harmless",
  async (pair) => {
    const { audio } = pair.sender.senders;
    const frame = audio.acquire({
      samples: { length: 4 },
      channels: 1,
      sample_rate: 8_000,
      timestamp_ns: 0n,
      frame_number: 0n,
    });
    const { samples } = frame;
    pair.sender.end();
    assertEquals(samples.length, 0);
    frame[Symbol.dispose]();
    assertThrows(() => sendAudio(pair, 1), BridgeError, "closed");
    await pair.settle();
  },
);

memoryTest(
  "a frame that was acquired before the end is dropped and counted when it is sent after it",
  async (pair) => {
    const { audio, data } = pair.sender.senders;
    using frame = audio.acquire({
      samples: { length: 4 },
      channels: 1,
      sample_rate: 8_000,
    });
    using bare = data.acquire({ data: new Uint8Array(1), schema_name: "" });
    pair.sender.end();
    assertEquals([audio.send(frame), data.send(bare)], [false, false]);
    assertEquals([audio.stats.dropped, data.stats.dropped], [1, 1]);
    await pair.settle();
  },
);

const FRAME: XpcDictionary = {
  channels: uint64(1),
  sample_rate: uint64(8_000),
  timestamp_ns: int64(0),
  frame_number: uint64(0),
};

const LIES: [samples: XpcDictionary, words: string][] = [
  [{ surface_id: uint64(1), generation: uint64(1) }, "without its length"],
  [
    { surface_id: uint64(1), generation: uint64(1), length: uint64(1 << 20) },
    "in memory of",
  ],
  [
    {
      surface_id: uint64(1),
      generation: uint64(1),
      length: uint64(2n ** 64n - 1n),
    },
    "in memory of",
  ],
  [
    { surface_id: uint64(1), generation: uint64(1), length: "4" },
    "without its length",
  ],
];

for (const [index, [samples, words]] of LIES.entries()) {
  memoryTest(
    `a lie about a buffer's length is found out: ${index} ${words}`,
    async (pair) => {
      assert(sendAudio(pair, 1, 16)); // so that surface 1 exists
      pair.raw.send({
        msg_type: "frame",
        frame_id: uint64(99),
        port_name: "audio",
        fields: { ...FRAME, samples },
      });
      await pair.settle();
      assertEquals(pair.receiver.stats.misfits, 1);
      assert(pair.problems[0]!.includes(words), pair.problems[0]!);
    },
  );
}

memoryTest(
  "a frame that does not fit gives its room back: the sender does not stall",
  async (pair) => {
    const audio = pair.sender.senders.audio;
    for (let n = 0; n < 3; n++) assert(sendAudio(pair, n));
    await pair.settle();
    for (let n = 0; n < 3; n++) {
      pair.receiver.receivers.audio.get()![Symbol.dispose]();
    }
    await soon(audio.ready, "room");
    await pair.settle();
    // The receiver knows the three regions. Frames that name them, each with another wrong field:
    for (let id = 1; id <= 3; id++) assert(sendAudio(pair, id));
    await pair.settle();
    using kept = new DisposableStack(); // read, and not given back yet
    for (let n = 0; n < 3; n++) kept.use(pair.receiver.receivers.audio.get());
    assertEquals(audio.stats.sent, 6);
    for (let id = 1; id <= 3; id++) {
      pair.raw.send({
        msg_type: "frame",
        frame_id: uint64(90 + id),
        port_name: id === 1 ? "nowhere" : "audio",
        fields: {
          ...FRAME,
          channels: "two",
          samples: {
            surface_id: uint64(id),
            generation: uint64(2),
            length: uint64(1),
          },
        },
      });
    }
    await pair.settle();
    assertEquals(pair.receiver.stats.misfits, 3);
    for (let n = 0; n < 3; n++) assert(sendAudio(pair, n), `frame ${n}`);
  },
);
