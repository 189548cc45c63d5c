import { assert, assertEquals, assertThrows } from "@std/assert";
import { BridgeError } from "../../proto/errors.ts";
import {
  Array as ArrayType,
  Buffer,
  Float32,
  schema,
  Texture,
} from "../../proto/mod.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { VideoFrame } from "../../proto/schema/frames/video_frame.ts";
import { port } from "../../proto/schema/port.ts";
import { channelPairTest } from "../helpers/channel_pair.ts";
import { soon } from "../helpers/soon.ts";

/** Clones of frames that user code has changed. */
const Mixed = schema({
  name: "Mixed",
  version: { major: 1, minor: 0, patch: 0 },
  fields: {
    picture: Texture("rgba8"),
    samples: Buffer(Float32),
    more: ArrayType(Buffer(Float32)),
  },
});
const IN_ORDER = { read_behavior: "read_next_in_order", capacity: 3 } as const;
const { inputs } = connectionSchema({
  inputs: { video: port(VideoFrame, IN_ORDER), mixed: port(Mixed, IN_ORDER) },
});
const SIZE = { width: 5, height: 3, pixel_format: "rgba8" } as const;
const MIXED = {
  picture: SIZE,
  samples: { length: 4 },
  more: [{ length: 4 }],
};

channelPairTest(
  "a clone does not hold the surface of another frame: it cannot be read when that frame has ended",
  inputs,
  ({ sender: { senders: { video } } }) => {
    const first = video.acquire(SIZE);
    using other = video.acquire(SIZE);
    other.pixel_buffer = first.pixel_buffer;
    first[Symbol.dispose]();
    using next = video.acquire(SIZE); // in the memory of the first one
    next.pixel_buffer.pixels.fill(9);
    {
      using clone = other.clone();
      const { pixel_buffer } = clone;
      assertThrows(() => pixel_buffer.pixels, BridgeError, "it was disposed");
      assertThrows(() => video.send(clone), BridgeError, "with its own");
    }
    using last = video.acquire(SIZE); // not in that memory
    last.pixel_buffer.pixels.fill(7);
    assert(next.pixel_buffer.pixels.every((byte) => byte === 9));
    return Promise.resolve();
  },
);

for (const field of ["samples", "more"] as const) {
  channelPairTest(
    `a frame whose '${field}' were transferred cannot be cloned, and the attempt holds nothing`,
    inputs,
    ({ native, sender: { senders: { mixed } } }) => {
      const surfaces = (): number => native.stats().by_kind.surface;
      for (let i = 0; i < 2 * IN_ORDER.capacity; i++) {
        using frame = mixed.acquire(MIXED);
        const numbers = field === "more" ? frame.more[0]! : frame.samples;
        structuredClone(numbers, { transfer: [numbers.buffer as ArrayBuffer] });
        assertThrows(() => frame.clone(), BridgeError, "was transferred");
      }
      assertEquals(surfaces(), 1); // the same one each time
      return Promise.resolve();
    },
  );
}

channelPairTest(
  "a frame, or a clone, that is sent on another port than its own gives its own port the place back",
  connectionSchema({
    inputs: {
      one: port(VideoFrame, IN_ORDER),
      other: port(VideoFrame, IN_ORDER),
    },
  }).inputs,
  async (pair) => {
    const { one, other } = pair.sender.senders;
    for (let i = 0; i < 2 * IN_ORDER.capacity; i++) {
      using frame = one.acquire(SIZE);
      using clone = frame.clone();
      assert(other.send(i % 2 === 0 ? frame : clone));
      frame[Symbol.dispose]();
      clone[Symbol.dispose]();
      await pair.settle();
      using received = pair.receiver.receivers.other.get();
      assert(received);
      received[Symbol.dispose]();
      await pair.settle();
    }
    // Neither has lost a place, nor got one too many.
    for (const sender of [one, other]) {
      await soon(sender.ready, "room");
      const held = Array.from(
        { length: IN_ORDER.capacity },
        () => sender.acquire(SIZE),
      );
      using beyond = sender.acquire(SIZE);
      assert(!sender.send(beyond));
      for (const frame of held) frame[Symbol.dispose]();
    }
  },
);

channelPairTest(
  "a frame is shown with its textures and buffers, not with their pixels, and without them when its lease has ended",
  inputs,
  ({ sender: { senders: { mixed } } }) => {
    const frame = mixed.acquire(MIXED);
    const { picture } = frame;
    const surface = "Surface { 5 x 3 rgba8 }";
    const shown = Deno.inspect({ frame });
    assert(shown.includes(`Mixed {\n    picture: ${surface},`), shown);
    assert(shown.includes("samples: Float32Array(4)"), shown);
    structuredClone(frame.samples, {
      transfer: [frame.samples.buffer as ArrayBuffer],
    });
    assert(Deno.inspect(frame).includes("samples: Float32Array(0)"));
    frame[Symbol.dispose]();
    const ended = Deno.inspect(frame);
    assert(ended.startsWith("Mixed (its lease has ended) {"), ended);
    assert(!ended.includes("picture"), ended);
    assertEquals(Deno.inspect(picture), surface);
    return Promise.resolve();
  },
);
