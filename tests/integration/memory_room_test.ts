import { assert, assertEquals, assertThrows } from "@std/assert";
import { Channel } from "../../channel/channel.ts";
import { Native } from "../../ffi/native.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { BridgeError } from "../../proto/errors.ts";
import * as types from "../../proto/schema/field_type.ts";
import { MAX_OFFERED } from "../../proto/limits.ts";
import { port, type PortMap } from "../../proto/schema/port.ts";
import { schema } from "../../proto/schema/schema.ts";
import { type ChannelPair, channelPairTest } from "../helpers/channel_pair.ts";
import { size } from "../helpers/scenes.ts";
import { soon, until } from "../helpers/soon.ts";

/** Tests the limits for the frames and the memory of a port that are in use at once. */
const version = { major: 1, minor: 0, patch: 0 };

const { inputs: batchPort } = connectionSchema({
  inputs: {
    batches: port(
      schema({
        name: "Batch",
        version,
        fields: {
          number: types.UInt32,
          images: types.Array(types.Texture("gray8")),
        },
      }),
      { read_behavior: "read_next_in_order", capacity: 3 },
    ),
  },
});
type Batches = ChannelPair<typeof batchPort>;

function sendBatch(pair: Batches, number: number, count: number): boolean {
  const { batches } = pair.sender.senders;
  using frame = batches.acquire({
    number,
    images: Array.from({ length: count }, () => size(4, "gray8")),
  });
  return batches.send(frame);
}

channelPairTest<typeof batchPort>(
  "in order: frames with and without memory share the port's capacity",
  batchPort,
  async (pair) => {
    for (let round = 0; round < 5; round++) {
      await soon(pair.sender.senders.batches.ready, "room");
      const sent = [0, 5, 0, 0, 5].map((count) => sendBatch(pair, 0, count));
      assertEquals(sent, [true, true, true, false, false]);
      await pair.settle();
      assertEquals(pair.receiver.stats.dropped, 0);
      for (const count of [0, 5, 0]) {
        using frame = pair.receiver.receivers.batches.get()!;
        assertEquals(frame.images.length, count);
      }
      await pair.settle();
    }
  },
);

channelPairTest<typeof batchPort>(
  "in order: frames so large that memory is short before the capacity is: none is lost",
  batchPort,
  async (pair) => {
    const sending = async (): Promise<void> => {
      for (let number = 0; number < 12; number++) {
        await soon(pair.sender.senders.batches.ready, "room");
        assert(sendBatch(pair, number, 100), `frame ${number}`);
      }
    };
    const receiving = async (): Promise<void> => {
      for (let number = 0; number < 12; number++) {
        await until("a frame", () => pair.receiver.unread > 0);
        using frame = pair.receiver.receivers.batches.get()!;
        assertEquals([frame.number, frame.images.length], [number, 100]);
      }
    };
    await Promise.all([sending(), receiving()]);
    assertEquals(pair.sender.stats.dropped, 0);
  },
);

channelPairTest<typeof batchPort>(
  "frames that are disposed instead of sent leave all the room",
  batchPort,
  async (pair) => {
    for (let n = 0; n < 10; n++) {
      using _ = pair.sender.senders.batches.acquire({ number: n, images: [] });
    }
    for (const n of [1, 2, 3]) assert(sendBatch(pair, n, 1));
    await pair.settle();
    assertEquals(pair.receiver.stats.received, 3);
  },
);

const { inputs: picturePort } = connectionSchema({
  inputs: {
    pictures: port(
      schema({
        name: "Picture",
        version,
        fields: { number: types.UInt32, image: types.Texture("gray8") },
      }),
      { read_behavior: "read_next_in_order", capacity: 300 },
    ),
  },
});

channelPairTest<typeof picturePort>(
  "a port of more capacity than can be offered loses nothing all the same",
  picturePort,
  async (pair) => {
    const { pictures } = pair.sender.senders;
    let sent = 0;
    const sendOne = (): boolean => {
      using frame = pictures.acquire({ number: sent, image: size(1, "gray8") });
      const went = pictures.send(frame);
      if (went) sent++;
      return went;
    };
    while (sendOne());
    assertEquals(sent, MAX_OFFERED);
    for (let number = 0; number < 400; number++) {
      if (pair.receiver.unread === 0) await pair.settle();
      using frame = pair.receiver.receivers.pictures.get();
      assertEquals(frame?.number, number);
      frame![Symbol.dispose]();
      await soon(pictures.ready, "room");
      assert(sendOne());
    }
    assertEquals(pair.problems, []);
  },
);

Deno.test("a channel whose frames have too many textures is refused", () => {
  using native = Native.open();
  const Wide = schema({
    name: "Wide",
    version,
    fields: Object.fromEntries(
      Array.from({ length: 256 }, (_, i) => [`t${i}`, types.Texture("any")]),
    ),
  });
  const events = {
    control: () => {},
    arrived: () => {},
    portEnded: () => {},
    problem: () => {},
    failed: () => {},
  };
  const { inputs: two } = connectionSchema<PortMap>({
    inputs: { a: Wide, b: Wide },
  });
  for (const [out, into] of [[two, {}], [{}, two]]) {
    const error = assertThrows(
      () => new Channel<PortMap, PortMap>(native, out!, into!, events),
      BridgeError,
      "the ports a, b on one channel",
    );
    assertEquals(error.code, "schema_mismatch");
  }
  const { inputs: one } = connectionSchema({ inputs: { a: Wide } });
  using _ = new Channel(native, one, {}, events);
});
