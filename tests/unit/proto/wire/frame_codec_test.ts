import { assert, assertEquals, assertThrows } from "@std/assert";
import { BridgeError } from "../../../../proto/errors.ts";
import * as types from "../../../../proto/schema/field_type.ts";
import { compile } from "../../../../proto/wire/frame_codec.ts";
import { Misfit } from "../../../../proto/wire/misfit.ts";
import type { Frame, Schema } from "../../../../proto/schema/field_type.ts";
import { schema } from "../../../../proto/schema/schema.ts";
import {
  parseSchema,
  parseSchemas,
  schemaToJson,
} from "../../../../proto/schema/json/schema_json.ts";
import { VideoFrame } from "../../../../proto/schema/frames/video_frame.ts";
import {
  double,
  int64,
  uint64,
  type XpcDictionary,
} from "../../../../proto/wire/xpc_value.ts";
import { assertRefused } from "../../../helpers/refused.ts";
import {
  FakeCapabilities,
  surface,
} from "../../../helpers/fake_capabilities.ts";

const version = { major: 1, minor: 0, patch: 0 };
const { writer: NOTHING, reader: NONE } = new FakeCapabilities();

const picture = surface("bgra8");
const FRAME: VideoFrame = {
  pixel_buffer: picture,
  pixel_format: "bgra8",
  width: 2,
  height: 1,
  timestamp_ns: -1n,
  frame_number: 2n ** 64n - 1n,
  color: {
    primaries: "bt709",
    transfer: "iec61966-2-1",
    matrix: null,
    full_range: true,
  },
  duration_ns: null,
};

Deno.test("a video frame crosses, its picture as what the writer makes of it", () => {
  const codec = compile(VideoFrame);
  const capabilities = new FakeCapabilities();
  const fields = codec.encode(FRAME, capabilities.writer);
  assertEquals(fields, {
    pixel_buffer: { surface_id: uint64(1), generation: uint64(0) },
    pixel_format: "bgra8",
    width: uint64(2),
    height: uint64(1),
    timestamp_ns: int64(-1),
    frame_number: uint64(2n ** 64n - 1n),
    color: {
      primaries: "bt709",
      transfer: "iec61966-2-1",
      matrix: null,
      full_range: true,
    },
    duration_ns: null,
  });
  const frame = codec.decode(fields, capabilities.reader);
  assertEquals(frame, FRAME);
  assert(!(frame instanceof Misfit) && frame.pixel_buffer === picture);
});

Deno.test("a schema read at run time gives the same codec", () => {
  const codec = compile(parseSchema(schemaToJson(VideoFrame, "full")));
  const capabilities = new FakeCapabilities();
  const fields = codec.encode({ ...FRAME }, capabilities.writer);
  assertEquals(
    fields,
    compile(VideoFrame).encode(FRAME, new FakeCapabilities().writer),
  );
  assertEquals(codec.decode(fields, capabilities.reader), FRAME);
});

Deno.test("a dictionary without a prototype, as messages are, is read as well", () => {
  const Tick = schema({ name: "Tick", version, fields: { n: types.Int32 } });
  const fields = Object.assign(Object.create(null), { n: int64(1) });
  assertEquals(compile(Tick).decode(fields, NONE), { n: 1 });
  assertEquals(
    compile(Tick).decode(Object.create(null), NONE),
    new Misfit("Tick", "n", "int64 from -2147483648 to 2147483647", "nothing"),
  );
});

Deno.test("a frame that does not fit is not sent, and says why", () => {
  const codec = compile(VideoFrame);
  const frame = { ...FRAME, width: 4294967296 };
  assertEquals(
    codec.check(frame),
    new Misfit(
      "VideoFrame",
      "width",
      "an integer from 0 to 4294967295",
      "4294967296",
    ),
  );
  assertEquals(codec.check(FRAME), undefined);
  assertRefused(
    () => codec.encode(frame, NOTHING),
    "schema_mismatch",
    "Cannot send a frame that does not fit its schema: VideoFrame.width: expected an integer from 0 to 4294967295, got 4294967296",
  );
});

Deno.test("the writer is asked for nothing unless the whole frame fits", () => {
  const capabilities = new FakeCapabilities();
  assertThrows(
    () =>
      compile(VideoFrame).encode(
        { ...FRAME, frame_number: -1n },
        capabilities.writer,
      ),
    BridgeError,
  );
  assertEquals(capabilities.sent.length, 0);
});

Deno.test("values that are no frames, fields missing and unknown are misfits on sending", () => {
  const codec = compile(VideoFrame);
  const why = (frame: unknown): string | undefined =>
    codec.check(frame)?.message;
  assertEquals(why(null), "VideoFrame: expected an object, got null");
  assertEquals(why([]), "VideoFrame: expected an object, got an array of 0");
  assertEquals(why(5), "VideoFrame: expected an object, got 5");
  const { height: _, ...flat } = FRAME;
  assertEquals(
    why(flat),
    "VideoFrame.height: expected an integer from 0 to 4294967295, got nothing",
  );
  assertEquals(
    why({ ...FRAME, depth: 8 }),
    "VideoFrame: expected no other fields, got the field 'depth'",
  );
  assertEquals(why({ ...FRAME, depth: undefined }), undefined);
  assertEquals(why({ ...FRAME, [Symbol.dispose]: () => {} }), undefined);
});

Deno.test("a message that does not fit is a misfit that names schema, field, expected and got", () => {
  const codec = compile(VideoFrame);
  const capabilities = new FakeCapabilities();
  const fields = codec.encode(FRAME, capabilities.writer);
  const why = (part: XpcDictionary): string => {
    const frame = codec.decode({ ...fields, ...part }, capabilities.reader);
    assert(frame instanceof Misfit);
    assertEquals(frame.schema, "VideoFrame");
    return frame.message;
  };
  assertEquals(
    why({ width: int64(1920) }),
    "VideoFrame.width: expected uint64 from 0 to 4294967295, got int64 1920",
  );
  assertEquals(
    why({ height: uint64(2n ** 32n) }),
    "VideoFrame.height: expected uint64 from 0 to 4294967295, got uint64 4294967296",
  );
  assertEquals(
    why({ timestamp_ns: double(1) }),
    "VideoFrame.timestamp_ns: expected int64, got double 1",
  );
  assertEquals(
    why({ pixel_format: "yuy2" }),
    `VideoFrame.pixel_format: expected string, one of "bgra8", "rgba8", "rgba16f", "gray8", "gray16", "rgb10a2", "nv12", "i420", "p010", got string "yuy2"`,
  );
  assertEquals(
    why({ pixel_buffer: uint64(1) }),
    "VideoFrame.pixel_buffer: expected a surface, got no surface of this connection",
  );
  assertEquals(
    why({ pixel_buffer: undefined }),
    "VideoFrame.pixel_buffer: expected a surface, got nothing",
  );
  assertEquals(
    why({ depth: uint64(8) }),
    "VideoFrame: expected no other fields, got the field 'depth'",
  );
  assertEquals(
    why({ ["__proto__"]: { width: uint64(1) } }),
    "VideoFrame: expected no other fields, got the field '__proto__'",
  );
  assertEquals(
    why({ [`a\n${"b".repeat(999)}`]: null }),
    `VideoFrame: expected no other fields, got the field 'a\\n${
      "b".repeat(58)
    }…'`,
  );
  const frame = codec.decode(
    [] as unknown as XpcDictionary,
    capabilities.reader,
  );
  assert(frame instanceof Misfit);
  assertEquals(
    frame.message,
    "VideoFrame: expected a dictionary, got an array of 0",
  );
});

Deno.test("an older peer's bare handle becomes the first texture or buffer that is missing", () => {
  const Both = schema({
    name: "Both",
    version,
    fields: {
      n: types.Int32,
      samples: types.Buffer(types.Float32),
      picture: types.Texture("any"),
    },
  });
  const Neither = schema({
    name: "Neither",
    version,
    fields: { n: types.Int32 },
  });
  const placed = (of: Schema, fields: XpcDictionary): XpcDictionary =>
    compile(of).withHandle(fields, "handle");
  const n = int64(1);
  assertEquals(placed(VideoFrame, { n }), { n, pixel_buffer: "handle" });
  assertEquals(placed(Both, { n }), { n, samples: "handle" });
  const complete = { n, samples: "own" };
  assert(placed(Both, complete) === complete);
  const none = { n };
  assert(placed(Neither, none) === none);
});

Deno.test("a schema is compiled once, however often it is referred to", () => {
  // Otherwise this would compile 256 ^ 7 fields.
  const table = parseSchemas(Array.from({ length: 8 }, (_, n) => ({
    ...schemaToJson(VideoFrame),
    name: `L${n}`,
    fields: Array.from({ length: 256 }, (_, i) => ({
      name: `f${i}`,
      type: n === 0 ? "Bool" : { Optional: { SchemaRef: `L${n - 1}` } },
    })),
  })));
  const codec = compile(table.get("L7") as Schema);
  assertEquals(
    codec.check({ f0: { f1: { f255: 5 } } })?.message,
    "L7.f0.f1.f255: expected an object, got 5",
  );
});

Deno.test("the frame of a codec has its schema's static type", () => {
  const Switch = schema({
    name: "Switch",
    version,
    fields: { state: types.Enum("on", "off") },
  });
  const frame = compile(Switch).decode({ state: "on" }, NONE);
  if (frame instanceof Misfit) throw new Error(frame.message);
  const typed: Frame<typeof Switch> = frame;
  const state: "on" | "off" = typed.state;
  assertEquals(state, "on");
});

Deno.test("with a peer of the base form, what a minor version has added is not sent, and received as null", () => {
  const codec = compile(VideoFrame, { minor: 0 });
  const capabilities = new FakeCapabilities();
  const fields = codec.encode(FRAME, capabilities.writer);
  assertEquals(Object.keys(fields), [
    "pixel_buffer",
    "pixel_format",
    "width",
    "height",
    "timestamp_ns",
    "frame_number",
  ]);
  assertEquals(codec.decode(fields, capabilities.reader), {
    ...FRAME,
    color: null,
    duration_ns: null,
  });
  const early = codec.decode(
    { ...fields, duration_ns: int64(1) },
    capabilities.reader,
  );
  assert(early instanceof Misfit);
  assertEquals(
    early.message,
    "VideoFrame: expected no other fields, got the field 'duration_ns'",
  );
  const wrong = { ...FRAME, duration_ns: 1.5 as never };
  assertEquals(
    codec.check(wrong)?.message,
    "VideoFrame.duration_ns: expected a bigint from -2^63 to 2^63 - 1, got 1.5",
  );
});

Deno.test("with a peer of the base form, a variant that a minor version has added is refused by its name", () => {
  const nv12 = { ...FRAME, pixel_format: "nv12" } as const;
  const frame = { ...nv12, pixel_buffer: surface("nv12") };
  assertEquals(compile(VideoFrame).check(frame), undefined);
  assertEquals(
    compile(VideoFrame, { minor: 0 }).check(frame)?.message,
    'VideoFrame.pixel_format: expected one of "bgra8", "rgba8", "rgba16f", "gray8", got "nv12": ' +
      "the other side has VideoFrame 1.0, which has no nv12",
  );
});

Deno.test("a surface of a format that was not agreed on is refused, sent or received", () => {
  const codec = compile(VideoFrame, { formats: ["nv12", "rgba8"] });
  const expected =
    "VideoFrame.pixel_buffer: expected a surface of nv12 or rgba8, got a surface of bgra8";
  assertEquals(codec.check(FRAME)?.message, expected);
  const capabilities = new FakeCapabilities();
  const fields = compile(VideoFrame).encode(FRAME, capabilities.writer);
  const read = codec.decode(fields, capabilities.reader);
  assert(read instanceof Misfit);
  assertEquals(read.message, expected);
});

Deno.test("of a schema that is referred to, only the base form is sent", () => {
  const Pair = schema({
    name: "Pair",
    version,
    fields: { left: types.SchemaRef(VideoFrame) },
  });
  const capabilities = new FakeCapabilities();
  const codec = compile(Pair);
  const fields = codec.encode({ left: FRAME }, capabilities.writer);
  assertEquals(codec.decode(fields, capabilities.reader), {
    left: { ...FRAME, color: null, duration_ns: null },
  });
  const base = compile(
    parseSchema(
      schemaToJson(Pair),
      new Map([["VideoFrame", parseSchema(schemaToJson(VideoFrame))]]),
    ),
  );
  assert(!(base.decode(fields, capabilities.reader) instanceof Misfit));
});
