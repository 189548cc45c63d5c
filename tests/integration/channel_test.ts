import { assert, assertEquals } from "@std/assert";
import type { SurfaceHandle } from "../../ffi/handle.ts";
import { NativeSurface } from "../../ffi/surface.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { MAX_OFFERED } from "../../proto/limits.ts";
import { port } from "../../proto/schema/port.ts";
import { VideoFrame } from "../../proto/schema/frames/video_frame.ts";
import {
  Capability,
  int64,
  uint64,
  type XpcDictionary,
} from "../../proto/wire/xpc_value.ts";
import { type ChannelPair, channelPairTest } from "../helpers/channel_pair.ts";

/** Ports of the tests: one that loses nothing, one that skips. */
const { inputs } = connectionSchema({
  inputs: {
    every: port(VideoFrame, {
      read_behavior: "read_next_in_order",
      capacity: 2,
    }),
    latest: port(VideoFrame, { capacity: 2 }),
  },
});
type Ports = typeof inputs;
type Pair = ChannelPair<Ports>;

const TEMPLATE = {
  pixel_buffer: { width: 8, height: 4, pixel_format: "rgba8" },
  pixel_format: "rgba8",
  width: 8,
  height: 4,
  timestamp_ns: 0n,
} as const;

function channelTest(name: string, body: (pair: Pair) => Promise<void>): void {
  channelPairTest<Ports>(name, inputs, body);
}

function send(pair: Pair, name: "every" | "latest", number: number): boolean {
  using frame = pair.sender.senders[name].acquire({
    ...TEMPLATE,
    frame_number: BigInt(number),
  });
  frame.pixel_buffer.pixels.fill(number);
  return pair.sender.senders[name].send(frame);
}

channelTest(
  "in order: what does not fit waits at the sender, and nothing that was sent is lost",
  async (pair) => {
    const results = [1, 2, 3, 4, 5, 6].map((n) => send(pair, "every", n));
    assertEquals(results, [true, true, false, false, false, false]);
    await pair.settle();
    assertEquals(pair.receiver.receivers.every.size, 2);
    const first = pair.receiver.receivers.every.get();
    assertEquals(first?.frame_number, 1n);
    first?.[Symbol.dispose]();
  },
);

channelTest(
  "latest: the newest is read, the others are released and counted",
  async (pair) => {
    for (const n of [1, 2, 3, 4]) assert(send(pair, "latest", n));
    await pair.settle();
    const { latest } = pair.receiver.receivers;
    {
      using frame = latest.get();
      assertEquals(frame?.frame_number, 4n);
      assert(frame!.pixel_buffer.pixels.every((byte) => byte === 4));
    }
    assertEquals(latest.get(), undefined);
    assertEquals(latest.stats, { received: 4, dropped: 3 });
    await pair.settle();
    // All four were released.
    for (const n of [5, 6, 7, 8]) assert(send(pair, "latest", n));
  },
);

channelTest(
  "a surface crosses once, however often it is used",
  async (pair) => {
    for (let n = 0; n < 20; n++) {
      assert(send(pair, "every", n));
      await pair.settle();
      using frame = pair.receiver.receivers.every.get();
      assertEquals(frame?.frame_number, BigInt(n));
      frame![Symbol.dispose]();
      await pair.settle();
    }
    // One surface with two mappings: of the sender and of the receiver.
    assertEquals(pair.native.stats().by_kind.surface, 2);
  },
);

channelTest("ready waits for a surface that comes back", async (pair) => {
  while (send(pair, "every", 1));
  let ready = false;
  const waiting = pair.sender.senders.every.ready.then(() => ready = true);
  await pair.settle();
  assertEquals(ready, false);
  pair.receiver.receivers.every.get()![Symbol.dispose]();
  await waiting;
  assert(send(pair, "every", 2));
});

channelTest(
  "a lease outlives the channel, and the pixels go with it",
  async (pair) => {
    assert(send(pair, "every", 9));
    await pair.settle();
    const frame = pair.receiver.receivers.every.get()!;
    const { pixels } = frame.pixel_buffer;
    pair.receiver.end();
    assertEquals(pixels[0], 9);
    frame[Symbol.dispose]();
    assertEquals(pixels.length, 0);
  },
);

const GOOD_FIELDS: XpcDictionary = {
  ...frameFields(),
  pixel_buffer: { surface_id: uint64(1), generation: uint64(1) },
};

const MISFITS: [XpcDictionary, string][] = [
  [{}, "type '(none)'"],
  [{ msg_type: uint64(3) }, "type '(none)'"],
  [{ msg_type: "frame" }, "frame_id"],
  [
    { msg_type: "frame", frame_id: uint64(1), port_name: "evry", fields: {} },
    "'evry'",
  ],
  [{
    msg_type: "frame",
    frame_id: uint64(1),
    port_name: "__proto__",
    fields: {},
  }, "'__proto__'"],
  [
    { msg_type: "frame", frame_id: uint64(1), port_name: "every", fields: {} },
    "VideoFrame.",
  ],
  [{
    msg_type: "frame",
    frame_id: uint64(1),
    port_name: "every",
    fields: { ...GOOD_FIELDS, width: "8" },
  }, "VideoFrame."],
  [{
    msg_type: "frame",
    frame_id: uint64(1),
    port_name: "every",
    fields: GOOD_FIELDS,
  }, "never offered"],
  [{ msg_type: "control", ctrl_type: "surface_offer" }, "without its id"],
  [{
    msg_type: "control",
    ctrl_type: "surface_offer",
    surface_id: uint64(1),
    surface: "no",
  }, "without its id"],
];

for (const [index, [message, words]] of MISFITS.entries()) {
  channelTest(
    `what does not fit is counted, told once by name, and dropped: ${index} ${words}`,
    async (pair) => {
      for (let n = 0; n < 3; n++) pair.raw.send(message);
      await pair.settle();
      assertEquals(pair.receiver.stats.misfits, 3);
      assertEquals(pair.problems.length, 1);
      assert(
        pair.problems[0]!.includes(words),
        `'${pair.problems[0]}' does not say '${words}'`,
      );
      // The channel still works.
      assert(send(pair, "every", 5));
      await pair.settle();
      using frame = pair.receiver.receivers.every.get();
      assertEquals(frame?.frame_number, 5n);
    },
  );
}

channelTest(
  "a bare surface in a frame, as older peers send it, is understood",
  async (pair) => {
    using surface = NativeSurface.create(pair.native, 8, 4, "rgba8");
    surface.lock(false);
    const pixels = surface.open();
    new Uint8Array(pixels).fill(77);
    surface.close(pixels);
    surface.unlock(false);
    pair.raw.send({
      msg_type: "frame",
      frame_id: uint64(1),
      port_name: "every",
      fields: {
        ...frameFields(),
        pixel_buffer: surface.borrow(),
      },
    });
    pair.raw.send({
      msg_type: "frame",
      frame_id: uint64(2),
      port_name: "every",
      fields: frameFields(),
      handle: surface.borrow(),
    });
    await pair.settle();
    assertEquals(pair.problems, []);
    for (let n = 0; n < 2; n++) {
      using frame = pair.receiver.receivers.every.get();
      assert(frame!.pixel_buffer.pixels.every((byte) => byte === 77));
    }
  },
);

channelTest(
  "offers past the limit, and twice the same, are refused",
  async (pair) => {
    using surface = NativeSurface.create(pair.native, 8, 4, "rgba8");
    for (let n = 0; n < MAX_OFFERED + 6; n++) {
      pair.raw.send({
        msg_type: "control",
        ctrl_type: "surface_offer",
        surface_id: uint64(n % (MAX_OFFERED + 4)),
        surface: surface.borrow(),
      });
    }
    await pair.settle();
    assertEquals(pair.receiver.stats.misfits, 6);
    assertEquals(pair.native.stats().by_kind.surface, MAX_OFFERED + 1);
  },
);

channelTest(
  "a release that names what is not out changes nothing",
  async (pair) => {
    while (send(pair, "every", 1));
    const backs = pair.receiver;
    for (const [id, generation] of [[1, 99], [99, 1], [1, 0]] as const) {
      backs.sendControl("release", {
        surface_id: uint64(id),
        generation: uint64(generation),
      });
    }
    await pair.settle();
    assertEquals(send(pair, "every", 2), false);
  },
);

function frameFields(): XpcDictionary {
  return {
    pixel_format: "rgba8",
    width: uint64(8),
    height: uint64(4),
    timestamp_ns: int64(0),
    frame_number: uint64(1),
  };
}

channelTest(
  "a bare surface of an unknown format is a misfit by name",
  async (pair) => {
    const { native } = pair;
    const handle = native.created<SurfaceHandle>(
      native.symbols.slb_surface_create(
        native.queue,
        8,
        4,
        0x21212121,
        new Uint8Array(new Uint32Array([8, 4, 4]).buffer),
        1,
      ),
    );
    pair.raw.send({
      msg_type: "frame",
      frame_id: uint64(1),
      port_name: "every",
      fields: {
        ...frameFields(),
        pixel_buffer: new Capability("surface", handle),
      },
    });
    await pair.settle();
    assertEquals(pair.receiver.stats.misfits, 1);
    assert(pair.problems[0]!.includes("pixel format 0x21212121"));
    assert(pair.problems[0]!.includes("VideoFrame.pixel_buffer"));
    native.symbols.slb_release(handle);
  },
);
