/** Frames of chosen schemas: what fits, what is refused when it is sent, and when it is read. */

import * as types from "../../../proto/schema/field_type.ts";
import { AudioFrame } from "../../../proto/schema/frames/audio_frame.ts";
import { VideoFrame } from "../../../proto/schema/frames/video_frame.ts";
import { Count, Mirror } from "../../../proto/schema/marks/mark.ts";
import { schema } from "../../../proto/schema/schema.ts";
import type { FrameTerms } from "../../../proto/wire/compiler.ts";
import {
  Capability,
  double,
  int64,
  uint64,
  type XpcDictionary,
} from "../../../proto/wire/xpc_value.ts";
import { surface } from "../fake_capabilities.ts";
import { Vectors } from "./frame_vectors.ts";

const version = { major: 1, minor: 0, patch: 0 };

/** One schema, with what is to be tried. */
interface Trial {
  readonly about: string;
  readonly schema: types.Schema;
  readonly terms?: FrameTerms;
  readonly frames?: readonly Record<string, unknown>[];
  /** Values that JSON has too, and that cannot be sent. */
  readonly unsent?: readonly Record<string, unknown>[];
  /** Messages that are made from the first frame's. */
  readonly messages?: readonly ((fields: XpcDictionary) => XpcDictionary)[];
  /** Payloads that are made from the first frame's. */
  readonly payloads?: readonly ((payload: Uint8Array) => Uint8Array)[];
}

function of(fields: types.FieldDefinitions): types.Schema {
  return schema({ name: "S", version, fields });
}

const all = of({
  i32: types.Int32,
  u32: types.UInt32,
  i64: types.Int64,
  u64: types.UInt64,
  f32: types.Float32,
  f64: types.Float64,
  bool: types.Bool,
  text: types.String,
  data: types.Bytes,
  mode: types.Enum("on", "off"),
  maybe: types.Optional(types.UInt32),
  list: types.Array(types.Bool),
  numbers: types.Array(types.Float32),
  two: types.FixedArray(types.Int64, 2),
  inner: types.Struct({ x: types.Float64, y: types.Optional(types.String) }),
});

const ALL = {
  i32: -1,
  u32: 1,
  i64: -(2n ** 63n),
  u64: 2n ** 64n - 1n,
  f32: 0.5,
  f64: 0.1,
  bool: true,
  text: "Länge 長さ 🎞",
  data: Uint8Array.of(0, 255),
  mode: "off",
  maybe: 7,
  list: [true, false],
  numbers: Float32Array.of(0.5, -0, NaN),
  two: BigInt64Array.of(1n, -1n),
  inner: { x: 1e300, y: null },
};

const picture = surface("bgra8");
const VIDEO = {
  pixel_buffer: picture,
  pixel_format: "bgra8",
  width: 2,
  height: 1,
  timestamp_ns: -1n,
  frame_number: 5n,
  color: {
    primaries: "bt709",
    transfer: null,
    matrix: "rgb",
    full_range: false,
  },
  duration_ns: 40n,
};

/** Returns a payload with one byte changed. */
function byte(at: number, value: number): (payload: Uint8Array) => Uint8Array {
  return (payload) => {
    const changed = payload.slice();
    changed[at] = value;
    return changed;
  };
}

const TRIALS: readonly Trial[] = [
  {
    about: "values of every type without memory, up to their limits",
    schema: all,
    frames: [ALL, {
      ...ALL,
      i32: -(2 ** 31),
      u32: 2 ** 32 - 1,
      i64: 2n ** 63n - 1n,
      u64: 0n,
      f32: -Infinity,
      f64: -0,
      bool: false,
      text: "\ufeff",
      data: new Uint8Array(0),
      mode: "on",
      maybe: null,
      list: [],
      numbers: new Float32Array(0),
      inner: { x: NaN, y: "x".repeat(300) },
    }],
    unsent: [
      { i32: 2 ** 31 },
      { u32: -1 },
      { f32: "x" },
      { f32: 1e39 },
      { f64: "1" },
      { bool: 1 },
      { text: "a\0b" },
      { text: 5 },
      { mode: "dim" },
      { maybe: -1 },
      { list: [true, 5] },
      { inner: { x: "x", y: null } },
      { inner: { x: 0.5, y: null, z: 1 } },
      { other: 1 },
      { [`a${"b".repeat(99)}`]: 1 },
    ],
    messages: [
      (fields) => ({ ...fields, i32: int64(2n ** 31n) }),
      (fields) => ({ ...fields, i32: uint64(1) }),
      (fields) => ({ ...fields, u32: uint64(2n ** 32n) }),
      (fields) => ({ ...fields, u32: undefined }),
      (fields) => ({ ...fields, i64: double(1) }),
      (fields) => ({ ...fields, u64: int64(1) }),
      (fields) => ({ ...fields, f32: double(0.1) }),
      (fields) => ({ ...fields, f32: double(1e39) }),
      (fields) => ({ ...fields, f32: double(Infinity) }),
      (fields) => ({ ...fields, f64: uint64(1) }),
      (fields) => ({ ...fields, bool: null }),
      (fields) => ({ ...fields, text: Uint8Array.of(1) }),
      (fields) => ({ ...fields, data: "text" }),
      (fields) => ({ ...fields, mode: "dim" }),
      (fields) => ({ ...fields, mode: "d".repeat(100) }),
      (fields) => ({ ...fields, maybe: undefined }),
      (fields) => ({ ...fields, maybe: true }),
      (fields) => ({ ...fields, list: [true, false, "x"] }),
      (fields) => ({ ...fields, list: {} }),
      (fields) => ({ ...fields, numbers: [double(1), double(1e39)] }),
      (fields) => ({ ...fields, two: [int64(1)] }),
      (fields) => ({ ...fields, inner: { x: double(1), z: null } }),
      (fields) => ({ ...fields, inner: [] }),
      (fields) => ({ ...fields, inner: { x: new Capability("fd", 5) } }),
      (fields) => ({ ...fields, other: null }),
      (fields) => ({ ...fields, ["a\n'"]: null }),
    ],
    payloads: [
      ...[0, 3, 8, 15, 16, 31, 40].map((end) => (payload: Uint8Array) =>
        payload.slice(0, end)
      ),
      (payload) => Uint8Array.of(...payload, 0, 0),
      ...[0, 1, 4, 5, 16, 17, 18, 40, 41, 48, 60, 70, 90, 91, 92].map((at) =>
        byte(at, 0xff)
      ),
    ],
  },
  {
    about: "a picture, with mirrors",
    schema: VideoFrame,
    frames: [VIDEO, { ...VIDEO, color: null, duration_ns: null }],
    unsent: [
      { width: 3 },
      { pixel_format: "gray8" },
      { height: -1 },
      { color: { primaries: "bt709" }, depth: 8 },
      { color: { primaries: "x" } },
    ],
    messages: [
      (fields) => ({ ...fields, width: uint64(3) }),
      (fields) => ({ ...fields, pixel_format: "gray8" }),
      (fields) => ({ ...fields, pixel_buffer: uint64(1) }),
      (fields) => ({ ...fields, pixel_buffer: undefined }),
      (fields) => ({ ...fields, pixel_buffer: {} }),
      (fields) => ({ ...fields, pixel_buffer: new Capability("fd", 1) }),
      (fields) => ({
        ...fields,
        pixel_buffer: { surface_id: uint64(13), generation: uint64(0) },
      }),
      (fields) => ({ ...fields, color: undefined, duration_ns: undefined }),
    ],
    payloads: [0, 1, 8, 20, 24, 28, 32, 36, 40, 44].map((at) => byte(at, 0xee)),
  },
  {
    about: "a picture for a peer of an earlier minor version",
    schema: VideoFrame,
    terms: { minor: 0 },
    frames: [{ ...VIDEO, color: null, duration_ns: null }],
    unsent: [{ pixel_format: "nv12" }, { duration_ns: "x" }],
    messages: [
      (fields) => ({ ...fields, color: null }),
      (fields) => ({ ...fields, pixel_format: "nv12" }),
    ],
  },
  {
    about: "a picture of agreed formats",
    schema: VideoFrame,
    terms: { formats: ["nv12", "bgra8"] },
    frames: [VIDEO],
    messages: [
      (fields) => ({
        ...fields,
        pixel_buffer: { surface_id: uint64(1), generation: uint64(1) },
      }),
    ],
  },
  {
    about: "sound",
    schema: AudioFrame,
    frames: [{
      samples: new Float32Array(6),
      channels: 2,
      sample_rate: 48_000,
      timestamp_ns: 1n,
      frame_number: 0n,
    }],
    messages: [
      (fields) => ({ ...fields, samples: [] }),
      (fields) => ({ ...fields, samples: new Capability("surface", 3) }),
      (fields) => ({
        ...fields,
        samples: { surface_id: uint64(1), generation: uint64(1) },
      }),
      (fields) => ({
        ...fields,
        samples: {
          surface_id: uint64(1),
          generation: uint64(1),
          length: int64(1),
        },
      }),
    ],
    payloads: [24, 28, 32, 36].map((at) => byte(at, 2)),
  },
  {
    about: "names of memory behind a value that does not fit are read",
    schema: of({
      a: types.Bool,
      b: types.Array(types.Struct({
        flag: types.Bool,
        picture: types.Texture("gray8"),
        wide: Mirror(types.UInt64, "picture.width"),
      })),
      c: types.Optional(types.Buffer(types.Int16)),
      d: Mirror(types.UInt32, "e.length"),
      e: types.Buffer(types.UInt8),
      f: Count(types.Int32),
      g: types.Struct({}),
    }),
    frames: [{
      a: true,
      b: [
        { flag: true, picture: surface("gray8"), wide: 2n },
        { flag: false, picture: surface("gray8"), wide: 2n },
      ],
      c: new Int16Array(3),
      d: 2,
      e: new Uint8Array(2),
      f: 9,
      g: {},
    }],
    payloads: [
      byte(0, 2),
      byte(4, 1),
      byte(4, 3),
      byte(8, 2),
      byte(12, 13),
      byte(16, 1),
      byte(20, 9),
      byte(24, 5),
      byte(32, 2),
      byte(56, 2),
      byte(80, 2),
      byte(100, 5),
      ...[3, 7, 30, 55, 70, 90, 100, 110].map((end) => (payload: Uint8Array) =>
        payload.slice(0, end)
      ),
    ],
  },
];

/** Returns the vectors as data. */
export function fieldVectors(): object {
  return {
    about:
      "Frames in both forms: packed, the fields of a message; lane, the payload of a record. " +
      "Unsent: values that replace those of the first frame, which cannot be sent then; a string in place of a Float32 is a string. " +
      "Messages and payloads: what reading them gives, and which memory is asked for, as [id, generation, moved]. " +
      "Memory is that of tests/helpers/conformance/ruled_memory.ts.",
    cases: TRIALS.map((trial) => {
      const vectors = new Vectors(trial.schema, trial.terms);
      const { frames = [], unsent = [], messages = [], payloads = [] } = trial;
      const [first] = frames;
      return {
        about: trial.about,
        ...vectors.head,
        frames: frames.map((values) => vectors.frame(values)),
        unsent: unsent.map((values) => ({
          values,
          message: vectors.unsent({ ...first!, ...values }),
        })),
        messages: messages.map((change) =>
          vectors.readMessage(change(vectors.fields(first!)))
        ),
        payloads: payloads.map((change) =>
          vectors.readLane(change(vectors.payload(first!)))
        ),
      };
    }),
  };
}
