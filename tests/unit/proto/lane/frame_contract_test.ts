/** What every carrier of frames does alike, with the same words: dictionaries and lanes. */

import { assert, assertEquals } from "@std/assert";
import { compileLane } from "../../../../proto/lane/lane_codec.ts";
import * as types from "../../../../proto/schema/field_type.ts";
import type { Schema } from "../../../../proto/schema/field_type.ts";
import { VideoFrame } from "../../../../proto/schema/frames/video_frame.ts";
import { Mirror } from "../../../../proto/schema/marks/mark.ts";
import { schema } from "../../../../proto/schema/schema.ts";
import type { FrameTerms } from "../../../../proto/wire/compiler.ts";
import { compile } from "../../../../proto/wire/frame_codec.ts";
import { Misfit } from "../../../../proto/wire/misfit.ts";
import {
  FakeCapabilities,
  surface,
} from "../../../helpers/fake_capabilities.ts";
import {
  FakeLaneMemory,
  payloadOf,
  readPayload,
} from "../../../helpers/lane/fake_lane_memory.ts";

/** One side's use of a port. */
interface Side {
  readonly schema: Schema;
  readonly terms?: FrameTerms;
}

/** Sends a frame from one side to another. Returns what arrives, or why it does not leave or does not arrive. */
type Carry = (from: Side, to: Side, frame: unknown) => unknown;

const CARRIERS: Readonly<Record<string, Carry>> = {
  "a dictionary": (from, to, frame) => {
    const { writer, reader } = new FakeCapabilities();
    const sender = compile(from.schema, from.terms);
    const misfit = sender.check(frame);
    if (misfit) return misfit;
    const fields = sender.encode(frame as never, writer);
    return compile(to.schema, to.terms).decode(fields, reader);
  },
  "a lane": (from, to, frame) => {
    const { namer, finder } = new FakeLaneMemory();
    const sender = compileLane(from.schema, from.terms);
    const misfit = sender.measure(frame);
    if (misfit instanceof Misfit) return misfit;
    const payload = payloadOf(sender, frame, namer);
    return readPayload(compileLane(to.schema, to.terms), payload, finder);
  },
};

const version = { major: 1, minor: 0, patch: 0 };

/** A side whose schema has one field, `f`. */
function only(type: types.FieldType): Side {
  return { schema: schema({ name: "S", version, fields: { f: type } }) };
}

/** Registers a test for each carrier. */
function contract(name: string, test: (carry: Carry) => void): void {
  for (const [carrier, carry] of Object.entries(CARRIERS)) {
    Deno.test(`${carrier}: ${name}`, () => test(carry));
  }
}

function assertMisfit(result: unknown, message: string): void {
  assert(result instanceof Misfit, "the frame fits");
  assertEquals(result.message, message);
}

const picture = surface("bgra8");
const VIDEO: VideoFrame = {
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

contract("a video frame arrives, with its picture", (carry) => {
  const video = { schema: VideoFrame };
  const frame = carry(video, video, VIDEO) as VideoFrame;
  assertEquals(frame, VIDEO);
  assert(frame.pixel_buffer === picture);
});

contract("values of every type arrive, up to their limits", (carry) => {
  const cases: [types.FieldType, unknown, unknown?][] = [
    [types.Int32, -(2 ** 31)],
    [types.Int32, -0, 0],
    [types.UInt32, 2 ** 32 - 1],
    [types.Int64, -(2n ** 63n)],
    [types.UInt64, 2n ** 64n - 1n],
    [types.Float32, 0.1, Math.fround(0.1)],
    [types.Float32, -Infinity],
    [types.Float64, -0],
    [types.Float64, NaN],
    [types.Bool, true],
    [types.Bool, false],
    [types.String, ""],
    [types.String, "\ufeffLänge 長さ 🎞"],
    [types.String, "x".repeat(70_000)],
    [types.Bytes, new Uint8Array(0)],
    [types.Bytes, Uint8Array.of(0, 255)],
    [types.Enum("on", "off"), "off"],
    [types.Optional(types.UInt32), null],
    [types.Optional(types.UInt32), undefined, null],
    [types.Optional(types.UInt32), 7],
    [types.Array(types.Float32), Float32Array.of(0.5, NaN)],
    [types.Array(types.Int64), new BigInt64Array(100).fill(-1n)],
    [types.Array(types.Bool), [true, false]],
    [types.Array(types.Struct({})), [{}, {}]],
    [types.FixedArray(types.FixedArray(types.UInt32, 2), 1), [
      Uint32Array.of(1, 2),
    ]],
    [types.Struct({ b: types.Bool, a: types.Float64 }), { b: true, a: 1 }],
    [types.Buffer(types.Float16), new Float16Array(3)],
  ];
  for (const [type, sent, received = sent] of cases) {
    const side = only(type);
    assertEquals(carry(side, side, { f: sent }), { f: received });
  }
});

contract("a frame that does not fit does not leave", (carry) => {
  const video = { schema: VideoFrame };
  const why = (frame: unknown, message: string): void =>
    assertMisfit(carry(video, video, frame), message);
  why(null, "VideoFrame: expected an object, got null");
  why([], "VideoFrame: expected an object, got an array of 0");
  why(
    { ...VIDEO, width: 2 ** 32 },
    "VideoFrame.width: expected an integer from 0 to 4294967295, got 4294967296",
  );
  why(
    { ...VIDEO, depth: 8 },
    "VideoFrame: expected no other fields, got the field 'depth'",
  );
  why(
    { ...VIDEO, width: 3 },
    "VideoFrame.width: expected 2, which is the width of 'pixel_buffer', got 3",
  );
  why(
    Object.create({ depth: 8 }, Object.getOwnPropertyDescriptors(VIDEO)),
    "VideoFrame: expected no other fields, got the field 'depth'",
  );
});

contract(
  "keys in any order, inherited ones and undefined ones fit",
  (carry) => {
    const video = { schema: VideoFrame };
    const reversed = Object.fromEntries(Object.entries(VIDEO).reverse());
    assertEquals(carry(video, video, reversed), VIDEO);
    const { pixel_buffer, ...rest } = VIDEO;
    const parent = {
      get pixel_buffer() {
        return pixel_buffer;
      },
    };
    const child = Object.assign(Object.create(parent), rest);
    assertEquals(carry(video, video, child), VIDEO);
    const bare = Object.assign(Object.create(null), VIDEO);
    assertEquals(carry(video, video, bare), VIDEO);
    assertEquals(carry(video, video, { ...VIDEO, depth: undefined }), VIDEO);
  },
);

contract(
  "what a minor version has added is not sent, and received as null",
  (carry) => {
    const base = { schema: VideoFrame, terms: { minor: 0 } };
    const expected = { ...VIDEO, color: null, duration_ns: null };
    assertEquals(carry(base, base, VIDEO), expected);
    assertMisfit(
      carry(base, base, { ...VIDEO, duration_ns: 1.5 }),
      "VideoFrame.duration_ns: expected a bigint from -2^63 to 2^63 - 1, got 1.5",
    );
    const nv12 = surface("nv12");
    assertMisfit(
      carry(base, base, { ...VIDEO, pixel_buffer: nv12, pixel_format: "nv12" }),
      'VideoFrame.pixel_format: expected one of "bgra8", "rgba8", "rgba16f", "gray8", got "nv12": ' +
        "the other side has VideoFrame 1.0, which has no nv12",
    );
  },
);

contract(
  "of a schema that is referred to, only the base form is sent",
  (carry) => {
    const pair = only(types.SchemaRef(VideoFrame));
    assertEquals(carry(pair, pair, { f: VIDEO }), {
      f: { ...VIDEO, color: null, duration_ns: null },
    });
  },
);

contract(
  "a surface of another format is refused, sent or received",
  (carry) => {
    const any = { schema: VideoFrame };
    const agreed = { ...any, terms: { formats: ["nv12", "rgba8"] as const } };
    const expected =
      "VideoFrame.pixel_buffer: expected a surface of nv12 or rgba8, got a surface of bgra8";
    assertMisfit(carry(agreed, any, VIDEO), expected);
    assertMisfit(carry(any, agreed, VIDEO), expected);
    const one = only(types.Texture("rgba8"));
    const all = only(types.Texture("any"));
    assertMisfit(
      carry(all, one, { f: picture }),
      "S.f: expected a surface of rgba8, got a surface of bgra8",
    );
  },
);

contract(
  "a field that contradicts what it mirrors is refused when it arrives",
  (carry) => {
    const picture = types.Texture("any");
    const unmarked = { picture, inner: types.UInt32, wide: types.UInt64 };
    const marked = {
      picture,
      inner: Mirror(types.UInt32, "picture.width"),
      wide: Mirror(types.UInt64, "picture.height"),
    };
    const side = (fields: types.FieldDefinitions): Side => {
      const list = types.Array(types.Struct(fields));
      return { schema: schema({ name: "S", version, fields: { list } }) };
    };
    const [from, to] = [side(unmarked), side(marked)];
    const good = { picture: surface("bgra8"), inner: 2, wide: 1n };
    assertEquals(carry(from, to, { list: [good] }), { list: [good] });
    assertMisfit(
      carry(from, to, { list: [good, { ...good, wide: 2n }] }),
      "S.list[1].wide: expected 1, which is the height of 'picture', got 2n",
    );
  },
);

contract("an array of another length is refused when it arrives", (carry) => {
  const any = only(types.Array(types.Array(types.Bool)));
  const fixed = only(types.Array(types.FixedArray(types.Bool, 2)));
  assertMisfit(
    carry(any, fixed, { f: [[true, true], [true]] }),
    "S.f[1]: expected 2 values, got 1",
  );
});

contract("memory that is not known is refused when it arrives", (carry) => {
  const sent = only(types.Buffer(types.Int8));
  const read = only(types.Buffer(types.UInt8));
  assertMisfit(
    carry(sent, read, { f: new Int8Array(2) }),
    "S.f: expected a buffer of UInt8, got no buffer of this connection",
  );
});
