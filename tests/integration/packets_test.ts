import { assert, assertEquals, assertThrows } from "@std/assert";
import { BridgeError } from "../../proto/errors.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { Buffer, Float16, UInt8 } from "../../proto/schema/field_type.ts";
import { port } from "../../proto/schema/port.ts";
import { schema } from "../../proto/schema/schema.ts";
import { type ChannelPair, channelPairTest } from "../helpers/channel_pair.ts";
import { noise } from "../helpers/memory_surface.ts";

const Packet = schema({
  name: "Packet",
  version: { major: 1, minor: 0, patch: 0 },
  fields: { data: Buffer(UInt8), gains: Buffer(Float16) },
});
const { inputs } = connectionSchema({
  inputs: {
    packets: port(Packet, {
      read_behavior: "read_next_in_order",
      capacity: 4,
    }),
  },
});
type Ports = typeof inputs;

const ROOM = { data: { length: 5000 }, gains: { length: 8 } };

function packetTest(
  name: string,
  body: (pair: ChannelPair<Ports>) => Promise<void>,
): void {
  channelPairTest<Ports>(name, inputs, body);
}

packetTest(
  "a buffer carries as many elements as are left of it when it is sent",
  async (pair) => {
    const { sender, receiver } = pair;
    for (const length of [0, 1, 4999, 5000]) {
      using frame = sender.senders.packets.acquire(ROOM);
      assertEquals([frame.data.length, frame.gains.length], [5000, 8]);
      frame.data.set(noise(length));
      frame.data = frame.data.subarray(0, length);
      frame.gains.fill(0.5);
      frame.gains = frame.gains.subarray(0, 3);
      assert(sender.senders.packets.send(frame));
      await pair.settle();
      using got = receiver.receivers.packets.get()!;
      assert(got.gains instanceof Float16Array);
      assertEquals([...got.gains], [0.5, 0.5, 0.5]);
      assertEquals(new Uint8Array(got.data), noise(length));
    }
  },
);

packetTest(
  "a buffer that was shortened has its whole room in the next frame",
  async (pair) => {
    const { sender, native, receiver } = pair;
    const first = sender.senders.packets.acquire(ROOM);
    first.data = first.data.subarray(0, 1);
    sender.senders.packets.send(first);
    await pair.settle();
    receiver.receivers.packets.get()![Symbol.dispose]();
    await pair.settle();
    using again = sender.senders.packets.acquire(ROOM);
    assertEquals(again.data.length, 5000);
    assertEquals(native.stats().by_kind.shmem, 4); // two pieces, here and there
  },
);

packetTest(
  "only the beginning of a frame's own buffer is sent; anything else is refused by name, and the frame can still be sent",
  ({ sender }) => {
    const { packets } = sender.senders;
    using other = packets.acquire(ROOM);
    using frame = packets.acquire(ROOM);
    const own = frame.data;
    const refused = (data: Uint8Array, why: string) => {
      frame.data = data;
      const error = assertThrows(() => packets.send(frame), BridgeError, why);
      assertEquals(error.code, "bad_argument");
      assert(error.message.includes("on port 'packets'"));
    };
    refused(own.subarray(1), "it begins 1 bytes into the frame's memory");
    refused(own.slice(0, 4), "a frame can be sent only with its own");
    refused(other.data, "a frame can be sent only with its own");
    frame.data = own.subarray(0, 4);
    assert(packets.send(frame));
    return Promise.resolve();
  },
);

packetTest(
  "elements of another type are refused by name",
  ({ sender }) => {
    using frame = sender.senders.packets.acquire(ROOM);
    frame.data = new Int8Array(frame.data.buffer) as unknown as Uint8Array;
    const error = assertThrows(
      () => sender.senders.packets.send(frame),
      BridgeError,
      "Packet.data: expected a buffer of UInt8",
    );
    assertEquals(error.code, "schema_mismatch");
    return Promise.resolve();
  },
);
