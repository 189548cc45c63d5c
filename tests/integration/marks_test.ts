import { assert, assertEquals, assertThrows } from "@std/assert";
import { now, port, ReactiveHost, VideoFrame } from "../../host/mod.ts";
import { BridgeError } from "../../proto/errors.ts";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import { PIXEL_FORMATS, type PixelFormat } from "../../proto/schema/surface.ts";
import {
  int64,
  uint64,
  type XpcDictionary,
} from "../../proto/wire/xpc_value.ts";
import { testClient } from "../helpers/client_module.ts";
import { type ChannelPair, channelPairTest } from "../helpers/channel_pair.ts";
import { isolatedHome } from "../helpers/home.ts";
import { permittedTest } from "../helpers/permitted.ts";
import { Prng } from "../helpers/prng.ts";
import { soon } from "../helpers/soon.ts";

const SERVING = {
  run: true,
  read: true,
  write: true,
  env: true,
  service: true,
} as const;

const { inputs } = connectionSchema({
  inputs: {
    video: port(VideoFrame, {
      read_behavior: "read_next_in_order",
      capacity: 4,
    }),
  },
});
type Pair = ChannelPair<typeof inputs>;

const SIZE = { width: 64, height: 48, pixel_format: "gray8" } as const;

function marksTest(name: string, body: (pair: Pair) => Promise<void>): void {
  channelPairTest<typeof inputs>(name, inputs, body);
}

marksTest(
  "marks: the size and the format of a picture make a whole frame, and so does the picture",
  async (pair) => {
    const { video } = pair.sender.senders;
    const before = now();
    for (const template of [SIZE, { pixel_buffer: SIZE }]) {
      using frame = video.acquire(template);
      assert(video.send(frame));
    }
    const after = now();
    await pair.settle();
    for (const number of [0n, 1n]) {
      using frame = pair.receiver.receivers.video.get()!;
      const { width, height, pixel_format, pixel_buffer } = frame;
      assertEquals({ width, height, pixel_format }, SIZE);
      assertEquals(pixel_buffer.width, 64);
      assertEquals(pixel_buffer.pixel_format, "gray8");
      assertEquals(frame.frame_number, number);
      assert(before <= frame.timestamp_ns && frame.timestamp_ns <= after);
    }
  },
);

marksTest(
  "marks: an optional field that the template does not give is null in the frame to fill, as its type says",
  (pair) => {
    using frame = pair.sender.senders.video.acquire(SIZE);
    assertEquals([frame.color, frame.duration_ns], [null, null]);
    assertEquals(frame.copy().color, null);
    return Promise.resolve();
  },
);

marksTest(
  "marks: a frame that is acquired from another keeps its time and its number",
  async (pair) => {
    const { video } = pair.sender.senders;
    const given = { ...SIZE, timestamp_ns: -5n, frame_number: 99n };
    {
      using frame = video.acquire(given);
      assert(video.send(frame));
    }
    await pair.settle();
    using received = pair.receiver.receivers.video.get()!;
    {
      using frame = video.acquire(received);
      assertEquals(frame.timestamp_ns, -5n);
      assertEquals(frame.frame_number, 99n);
    }
    using next = video.acquire(SIZE);
    assertEquals(next.frame_number, 2n, "the third frame of this port");
  },
);

marksTest(
  "marks: a template that contradicts itself is refused by the name of its field, and takes no number",
  (pair) => {
    const { video } = pair.sender.senders;
    const error = assertThrows(
      () => video.acquire({ pixel_buffer: SIZE, width: 1920 }),
      BridgeError,
    );
    assertEquals(error.code, "schema_mismatch");
    assertEquals(
      error.message,
      "Cannot acquire a frame like this: VideoFrame.width: expected 64, which is the width of 'pixel_buffer', got 1920",
    );
    const lacking = assertThrows(
      () => video.acquire({ width: 64, height: 48 }),
      BridgeError,
    );
    assertEquals(
      lacking.message,
      "Cannot acquire a frame like this: VideoFrame needs pixel_format, which the template does not have",
    );
    using frame = video.acquire(SIZE);
    assertEquals(frame.frame_number, 0n);
    return Promise.resolve();
  },
);

marksTest(
  "marks: a frame that was changed into a contradiction is refused when it is sent, and its memory is used again",
  async (pair) => {
    const { video } = pair.sender.senders;
    for (
      const [field, value, expected] of [
        ["width", 65, `64, which is the width of 'pixel_buffer', got 65`],
        ["height", 1, `48, which is the height of 'pixel_buffer', got 1`],
        [
          "pixel_format",
          "rgba8",
          `"gray8", which is the pixel_format of 'pixel_buffer', got "rgba8"`,
        ],
      ] as const
    ) {
      using frame = video.acquire(SIZE);
      Object.assign(frame, { [field]: value });
      const error = assertThrows(() => video.send(frame), BridgeError);
      assertEquals(error.code, "schema_mismatch");
      assertEquals(
        error.message,
        `Cannot send a frame that does not fit its schema: VideoFrame.${field}: expected ${expected}`,
      );
    }
    await pair.settle();
    assertEquals(pair.receiver.stats.received, 0);
    using frame = video.acquire(SIZE);
    assert(video.send(frame));
  },
);

/** Fields of a frame whose picture is the first one that was offered. */
function fieldsOf(
  generation: bigint,
  { width, height, pixel_format }: {
    readonly width: number;
    readonly height: number;
    readonly pixel_format: string;
  },
): XpcDictionary {
  return {
    pixel_buffer: { surface_id: uint64(1), generation: uint64(generation) },
    pixel_format,
    width: uint64(width),
    height: uint64(height),
    timestamp_ns: int64(-1),
    frame_number: uint64(7),
  };
}

function sendRaw(pair: Pair, fields: XpcDictionary): void {
  pair.raw.send({
    msg_type: "frame",
    frame_id: uint64(1_000),
    port_name: "video",
    fields,
  });
}

marksTest(
  "marks: whatever contradiction a peer sends, the receiver drops it, counts it and names its field",
  async (pair) => {
    const seed = 20_262;
    const prng = new Prng(seed);
    const { video } = pair.sender.senders;
    {
      using frame = video.acquire(SIZE);
      assert(video.send(frame));
    }
    await pair.settle();
    pair.receiver.receivers.video.get()![Symbol.dispose]();
    await pair.settle();
    const formats = Object.keys(PIXEL_FORMATS) as PixelFormat[];
    for (let n = 0; n < 60; n++) {
      const sent: { width: number; height: number; pixel_format: string } = {
        ...SIZE,
      };
      const field = prng.pick(["width", "height", "pixel_format"] as const);
      if (field === "pixel_format") {
        sent[field] = prng.pick(formats.filter((one) => one !== "gray8"));
      } else sent[field] += 1 + prng.below(1_000);
      pair.problems.length = 0;
      const before = pair.receiver.stats.misfits;
      sendRaw(pair, fieldsOf(1n, sent));
      await pair.settle();
      const context = `seed ${seed}, frame ${n}, ${field} ${sent[field]}`;
      assertEquals(pair.receiver.stats.misfits, before + 1, context);
      assertEquals(pair.receiver.receivers.video.size, 0, context);
      // It is told once per kind: the first one names its field.
      if (n === 0) {
        const text = pair.problems[0] ?? "";
        assert(text.includes(`VideoFrame.${field}: expected`), text);
        assert(text.includes("of 'pixel_buffer', got"), text);
      }
    }
    sendRaw(pair, fieldsOf(1n, SIZE));
    await pair.settle();
    using frame = pair.receiver.receivers.video.get()!;
    assertEquals(frame.frame_number, 7n, "one without contradiction is read");
  },
);

marksTest(
  "formats: a frame in another format than the agreed one is dropped, counted and told by name",
  async (pair) => {
    const terms = inputs.video;
    pair.receiver.agree(
      new Map(),
      new Map([["video", { ...terms, agreed_formats: ["nv12"] }]]),
    );
    assertEquals(pair.receiver.receivers.video.pixel_format, "nv12");
    const { video } = pair.sender.senders;
    for (const pixel_format of ["gray8", "nv12"] as const) {
      using frame = video.acquire({ ...SIZE, pixel_format });
      assert(video.send(frame));
    }
    await pair.settle();
    assertEquals(pair.receiver.stats.misfits, 1);
    assert(
      pair.problems[0]?.includes(
        "VideoFrame.pixel_buffer: expected a surface of nv12, got a surface of gray8",
      ),
      pair.problems[0],
    );
    using frame = pair.receiver.receivers.video.get()!;
    assertEquals(frame.pixel_format, "nv12");
  },
);

permittedTest(
  "marks: a module that declares no ports knows the host's marks, and has its clock",
  SERVING,
  async () => {
    using _ = isolatedHome();
    await using host = ReactiveHost.launch({
      ...testClient("marked.ts"),
      inputs: { video: VideoFrame },
      outputs: { video: VideoFrame },
    });
    await soon(host.ready, "ready");
    const before = now();
    {
      using frame = host.input.video.acquire({ ...SIZE, frame_number: 50n });
      assert(host.input.video.send(frame));
    }
    using back = (await soon(host.output.video.next(), "the answer"))!;
    const { width, height, pixel_format, timestamp_ns } = back;
    assertEquals({ width, height, pixel_format }, SIZE);
    assertEquals(back.frame_number, 0n, "the first one of its own port");
    assert(before <= timestamp_ns && timestamp_ns <= now(), `${timestamp_ns}`);
    assertEquals(back.color, null);
  },
);
