import { assert, assertEquals, assertThrows } from "@std/assert";
import { AudioFrame } from "../../proto/schema/frames/audio_frame.ts";
import { BridgeError } from "../../proto/errors.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { DataFrame } from "../../proto/schema/frames/data_frame.ts";
import * as types from "../../proto/schema/field_type.ts";
import { port } from "../../proto/schema/port.ts";
import { schema } from "../../proto/schema/schema.ts";
import { int64, uint64 } from "../../proto/wire/xpc_value.ts";
import { VideoFrame } from "../../proto/schema/frames/video_frame.ts";
import { type ChannelPair, channelPairTest } from "../helpers/channel_pair.ts";
import { until } from "../helpers/soon.ts";

/** One side of a channel dies and is replaced: same ports, new connection. */
const IN_ORDER = { read_behavior: "read_next_in_order", capacity: 3 } as const;
const LATEST = { read_behavior: "skip_to_latest", capacity: 3 } as const;
const { inputs } = connectionSchema({
  inputs: {
    video: port(VideoFrame, IN_ORDER),
    latest_video: port(VideoFrame, LATEST),
    audio: port(AudioFrame, IN_ORDER),
    latest_audio: port(AudioFrame, LATEST),
    data: port(DataFrame, IN_ORDER),
    latest_data: port(DataFrame, LATEST),
  },
});
type Ports = typeof inputs;
type Pair = ChannelPair<Ports>;
type PortName = keyof Ports;

const PORTS: readonly PortName[] = Object.keys(inputs) as PortName[];
const ORDERED: readonly PortName[] = ["video", "audio", "data"];
/** The number of pieces of one side if each port with memory has one. */
const WITH_MEMORY = 4;

function restartTest(name: string, body: (pair: Pair) => Promise<void>): void {
  channelPairTest<Ports>(name, inputs, body);
}

type AnyOutgoing = Disposable & { readonly number: bigint };

/** A frame of any of the ports, full of `number`. */
function acquire(pair: Pair, name: PortName, number: number): AnyOutgoing {
  const { senders } = pair.sender;
  const id = BigInt(number);
  const frame = (() => {
    switch (name) {
      case "video":
      case "latest_video": {
        const frame = senders[name].acquire({
          pixel_buffer: { width: 8, height: 4, pixel_format: "rgba8" },
          pixel_format: "rgba8",
          width: 8,
          height: 4,
          timestamp_ns: id,
          frame_number: id,
        });
        frame.pixel_buffer.pixels.fill(number);
        return frame;
      }
      case "audio":
      case "latest_audio": {
        const frame = senders[name].acquire({
          samples: { length: 100 },
          channels: 1,
          sample_rate: 48_000,
          timestamp_ns: id,
          frame_number: id,
        });
        frame.samples.fill(number);
        return frame;
      }
      default:
        return senders[name].acquire({
          data: Uint8Array.of(number),
          schema_name: "number",
          timestamp_ns: id,
        });
    }
  })();
  return frame as unknown as AnyOutgoing;
}

function sendOn(pair: Pair, name: PortName, frame: AnyOutgoing): boolean {
  return pair.sender.senders[name].send(frame as never);
}

function send(pair: Pair, name: PortName, number: number): boolean {
  using frame = acquire(pair, name, number);
  return sendOn(pair, name, frame);
}

type AnyReceived = Disposable & {
  readonly timestamp_ns: bigint;
  readonly pixel_buffer?: { readonly pixels: Uint8Array };
  readonly samples?: Float32Array;
  readonly data?: Uint8Array;
};

function get(pair: Pair, name: PortName): AnyReceived | undefined {
  return pair.receiver.receivers[name].get() as AnyReceived | undefined;
}

/** Returns the number that fills a frame, and checks that it fills all of it. */
function contentOf(frame: AnyReceived): number {
  const content = frame.pixel_buffer?.pixels ?? frame.samples ?? frame.data!;
  assert(content.length > 0, "its memory is gone");
  assert(content.every((value: number) => value === content[0]));
  assertEquals(BigInt(content[0]!), frame.timestamp_ns);
  return content[0]!;
}

/** Reads and releases all received frames. Returns their numbers. */
function readAll(pair: Pair, name: PortName): number[] {
  const numbers: number[] = [];
  while (true) {
    using frame = get(pair, name);
    if (!frame) return numbers;
    numbers.push(contentOf(frame));
  }
}

restartTest(
  "detached, frames are dropped and counted, and nothing is open; attached again, they go",
  async (pair) => {
    for (const name of PORTS) assert(send(pair, name, 1));
    await pair.settle();
    pair.kill("receiver");
    assert(!pair.sender.isOpen);
    for (const name of PORTS) {
      assertEquals(send(pair, name, 2), false);
      assertEquals(pair.sender.senders[name].stats, {
        sent: 1,
        dropped: 1,
        waiting: 0,
      });
    }
    await pair.connect();
    for (const name of PORTS) assert(send(pair, name, 3));
    await pair.settle();
    for (const name of PORTS) assertEquals(readAll(pair, name), [3], name);
    assertEquals(pair.problems, []);
  },
);

for (const name of PORTS) {
  restartTest(
    `${name}: whatever the dead receiver had is free, and no memory is made anew`,
    async (pair) => {
      let sent = 0;
      while (sent < 3 && send(pair, name, sent + 1)) sent++;
      assertEquals(sent, 3);
      await pair.settle();
      const held = get(pair, name);
      assert(held, "a frame that the receiver looks at when it dies");
      pair.kill("receiver");
      const { surface: before, shmem } = pair.native.stats().by_kind;
      await pair.connect();
      for (const n of [4, 5, 6]) assert(send(pair, name, n), `frame ${n}`);
      await pair.settle();
      const read = readAll(pair, name);
      assertEquals(read, ORDERED.includes(name) ? [4, 5, 6] : [6]);
      const after = pair.native.stats().by_kind;
      // The second mapping is that of the new receiver.
      assert(after.surface <= 2 * before && after.shmem <= 2 * shmem);
      held[Symbol.dispose]();
      await pair.settle();
      assertEquals(pair.problems, []);
    },
  );

  restartTest(
    `${name}: with copies, what the dead receiver had is told, and a port in order sends it again`,
    async (pair) => {
      pair.sender.keepCopies();
      for (const n of [1, 2, 3]) assert(send(pair, name, n));
      await pair.settle();
      const inOrder = ORDERED.includes(name);
      const held = get(pair, name);
      assert(held, "a frame that the receiver looks at when it dies");
      pair.kill("receiver");
      const last = { port: name, number: inOrder ? 1 : 3 };
      const told = pair.sender.unreleased(last);
      assertEquals(
        told.filter(({ isLastRead }) => isLastRead).map(({ number, frame }) => {
          assertEquals(contentOf(frame as unknown as AnyReceived), number);
          return number;
        }),
        [last.number],
      );
      for (const { frame } of told) frame[Symbol.dispose]();
      pair.sender.settleUnreleased(true, last);
      await pair.connect();
      assert(send(pair, name, 4));
      await pair.settle();
      assertEquals(readAll(pair, name), inOrder ? [2, 3, 4] : [4]);
      held[Symbol.dispose]();
      await pair.settle();
      if (name !== "latest_data") { // it was confirmed before it was read
        assertEquals(pair.sender.unreleased(undefined), []);
      }
      assertEquals(pair.problems, []);
    },
  );

  restartTest(
    `${name}: a frame that is being filled when the receiver dies goes to the next`,
    async (pair) => {
      using frame = acquire(pair, name, 7);
      pair.kill("receiver");
      await pair.connect();
      assert(sendOn(pair, name, frame));
      await pair.settle();
      assertEquals(readAll(pair, name), [7]);
    },
  );

  restartTest(
    `${name}: what the dead sender has sent can be read, and its release tells nobody`,
    async (pair) => {
      for (const n of [1, 2]) assert(send(pair, name, n));
      await pair.settle();
      const held = get(pair, name)!;
      const heldNumber = contentOf(held);
      pair.kill("sender");
      assertEquals(contentOf(held), heldNumber);
      await pair.connect();
      const released: unknown[] = [];
      const { receive } = pair.sender;
      pair.sender.receive = (message) => {
        if (message.body["ctrl_type"] === "release") {
          released.push(message.body);
        }
        receive.call(pair.sender, message);
      };
      held[Symbol.dispose]();
      const unread = ORDERED.includes(name) ? [2] : [];
      assertEquals(readAll(pair, name), unread);
      await pair.settle();
      assertEquals(released, []);
      for (const n of [4, 5, 6]) assert(send(pair, name, n));
      await pair.settle();
      assertEquals(
        readAll(pair, name),
        ORDERED.includes(name) ? [4, 5, 6] : [6],
      );
      assertEquals(pair.problems, []);
    },
  );
}

for (const name of ORDERED) {
  restartTest(
    `${name}: a producer that awaits ready goes on across the restart`,
    async (pair) => {
      const sender = pair.sender.senders[name];
      const produce = async (): Promise<void> => {
        for (let n = 1; n <= 20; n++) {
          await sender.ready;
          assert(send(pair, name, n), `frame ${n}`);
        }
      };
      const producing = produce();
      // Then it waits: all of the room is taken by frames that the receiver has not read.
      await until("three frames", () => sender.stats.sent === 3);
      await pair.settle();
      pair.kill("receiver");
      await Promise.resolve();
      assertEquals(sender.stats.sent, 3);
      await pair.connect();
      const read: number[] = [];
      while (read.at(-1) !== 20) {
        await pair.settle();
        read.push(...readAll(pair, name));
      }
      await producing;
      assertEquals(read, Array.from({ length: 17 }, (_, i) => i + 4));
      assertEquals(sender.stats.dropped, 0);
    },
  );

  restartTest(
    `${name}: frames of the dead sender that are not read take no room of the next`,
    async (pair) => {
      for (let life = 0; life < 3; life++) {
        for (const n of [1, 2, 3]) assert(send(pair, name, 10 * life + n));
        assertEquals(send(pair, name, 99), false);
        await pair.settle();
        pair.kill("sender");
        await pair.connect();
      }
      // Only the frames of two senders are kept.
      const receiver = pair.receiver.receivers[name];
      assertEquals(receiver.stats, { received: 9, dropped: 6 });
      assertEquals(readAll(pair, name), [21, 22, 23]);
    },
  );
}

restartTest(
  "a late release, of the life before, frees nothing of this one",
  async (pair) => {
    for (const n of [1, 2, 3]) assert(send(pair, "video", n));
    for (const n of [1, 2, 3]) assert(send(pair, "data", n));
    pair.kill("receiver");
    await pair.connect();
    for (const n of [4, 5, 6]) assert(send(pair, "video", n));
    for (const n of [4, 5, 6]) assert(send(pair, "data", n));
    for (let id = 1; id <= 6; id++) {
      pair.receiver.sendControl("release", { frame_id: uint64(id) });
    }
    for (let id = 1; id <= 3; id++) {
      pair.receiver.sendControl("release", {
        surface_id: uint64(id),
        generation: uint64(1),
      });
    }
    await pair.settle();
    assertEquals(send(pair, "video", 7), false);
    assertEquals(send(pair, "data", 7), false);
    assertEquals(readAll(pair, "video"), [4, 5, 6]);
    assertEquals(readAll(pair, "data"), [4, 5, 6]);
  },
);

restartTest(
  "what comes while there is no connection is dropped, and answered",
  async (pair) => {
    pair.sender.detach();
    pair.receiver.detach();
    assert(!send(pair, "data", 1));
    pair.raw.send({ msg_type: "frame" });
    await pair.settle();
    assertEquals(pair.receiver.stats.misfits, 0);
    assertEquals(pair.problems, []);
  },
);

restartTest("detached twice, and ended while detached", async (pair) => {
  assert(send(pair, "video", 1));
  await pair.settle();
  const held = get(pair, "video")!;
  pair.receiver.detach();
  pair.receiver.detach();
  pair.sender.detach();
  const waiting = pair.sender.senders.video.ready;
  pair.sender.end();
  const ended = await waiting.then(() => "ready", () => "ended");
  assertEquals(ended, "ended");
  pair.receiver.end();
  pair.receiver.detach();
  assertEquals(contentOf(held), 1);
  held[Symbol.dispose]();
});

restartTest("many lives leave no more than one", async (pair) => {
  for (let life = 1; life <= 10; life++) {
    for (const name of PORTS) assert(send(pair, name, life));
    await pair.settle();
    for (const name of PORTS) assertEquals(readAll(pair, name), [life]);
    const { surface, shmem } = pair.native.stats().by_kind;
    assertEquals(surface + shmem, 2 * WITH_MEMORY);
    pair.kill("receiver");
    await pair.connect();
  }
});

restartTest(
  "once the dead sender's frames are read, the next has its own capacity and no more",
  async (pair) => {
    for (const n of [1, 2, 3]) assert(send(pair, "data", n));
    await pair.settle();
    pair.kill("sender");
    await pair.connect();
    assertEquals(readAll(pair, "data"), [1, 2, 3]);
    for (let id = 1; id <= 6; id++) {
      pair.raw.send({
        msg_type: "frame",
        frame_id: uint64(id),
        port_name: "data",
        fields: {
          data: Uint8Array.of(id),
          schema_name: "more than it may",
          timestamp_ns: int64(id),
        },
      });
    }
    await pair.settle();
    assertEquals(readAll(pair, "data"), [1, 2, 3]);
  },
);

const Note = schema({
  name: "Note",
  version: { major: 1, minor: 0, patch: 0 },
  fields: { numbers: types.Buffer(types.Int32), text: types.String },
});
const notes = connectionSchema({ inputs: { notes: port(Note, IN_ORDER) } });

channelPairTest<typeof notes.inputs>(
  "a frame whose send has failed keeps its memory when the receiver dies",
  notes.inputs,
  async (pair) => {
    const sender = pair.sender.senders.notes;
    using first = sender.acquire({ numbers: { length: 8 }, text: "" });
    first.numbers.fill(1);
    first.text = "x".repeat(2 << 20); // no message carries it
    assertThrows(() => sender.send(first), BridgeError, "over 1 MiB");
    pair.kill("receiver");
    await pair.connect();
    using second = sender.acquire({ numbers: { length: 8 }, text: "" });
    second.numbers.fill(2);
    assert(
      first.numbers.every((value) => value === 1),
      "two frames have the same memory",
    );
    first.text = "";
    for (const frame of [first, second]) assert(sender.send(frame));
    await pair.settle();
    for (const number of [1, 2]) {
      using frame = pair.receiver.receivers.notes.get()!;
      assert(frame.numbers.every((value) => value === number));
    }
    assertEquals(pair.problems, []);
  },
);
