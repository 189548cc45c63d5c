import { assertEquals } from "@std/assert";
import { connectionSchema } from "../../../../../proto/schema/connection_schema.ts";
import { canonicalJson } from "../../../../../proto/schema/json/canonical_json.ts";
import { connectionSchemaToJson } from "../../../../../proto/schema/json/connection_schema_json.ts";
import { schemaHash } from "../../../../../proto/schema/json/schema_hash.ts";
import { assertGolden } from "../../../../helpers/golden.ts";
import { permittedTest } from "../../../../helpers/permitted.ts";
import { AudioFrame } from "../../../../../proto/schema/frames/audio_frame.ts";
import { DataFrame } from "../../../../../proto/schema/frames/data_frame.ts";
import { schemaToJson } from "../../../../../proto/schema/json/schema_json.ts";
import type {
  Schema,
  ValueOf,
} from "../../../../../proto/schema/field_type.ts";
import type {
  PixelFormat,
  Surface,
} from "../../../../../proto/schema/surface.ts";
import {
  type ColorSpace,
  VideoFrame,
} from "../../../../../proto/schema/frames/video_frame.ts";
import { type Same, same } from "../../../../helpers/same.ts";

function fieldsOf(schema: Schema): unknown[] {
  return schemaToJson(schema).fields.map(({ name, type }) => [name, type]);
}

Deno.test("VideoFrame has the fields that users know", () => {
  assertEquals(fieldsOf(VideoFrame), [
    ["pixel_buffer", { Texture: { format: "any" } }],
    ["pixel_format", { Enum: ["bgra8", "rgba8", "rgba16f", "gray8"] }],
    ["width", "UInt32"],
    ["height", "UInt32"],
    ["timestamp_ns", "Int64"],
    ["frame_number", "UInt64"],
  ]);
  assertEquals([VideoFrame.read_behavior, VideoFrame.default_capacity], [
    "skip_to_latest",
    4,
  ]);
  same<
    Same<VideoFrame, {
      readonly pixel_buffer: Surface;
      readonly pixel_format: PixelFormat;
      readonly width: number;
      readonly height: number;
      readonly timestamp_ns: bigint;
      readonly frame_number: bigint;
      readonly color:
        | ValueOf<ColorSpace>
        | null;
      readonly duration_ns: bigint | null;
    }>
  >();
  same<
    Same<
      VideoFrame["color"],
      {
        readonly primaries:
          | "bt709"
          | "bt470bg"
          | "smpte170m"
          | "bt2020"
          | "smpte432"
          | null;
        readonly transfer:
          | "bt709"
          | "smpte170m"
          | "iec61966-2-1"
          | "linear"
          | "pq"
          | "hlg"
          | null;
        readonly matrix:
          | "rgb"
          | "bt709"
          | "bt470bg"
          | "smpte170m"
          | "bt2020-ncl"
          | null;
        readonly full_range: boolean | null;
      } | null
    >
  >();
});

Deno.test("AudioFrame has the fields that users know", () => {
  assertEquals(fieldsOf(AudioFrame), [
    ["samples", { Buffer: { element_type: "Float32" } }],
    ["channels", "UInt32"],
    ["sample_rate", "UInt32"],
    ["timestamp_ns", "Int64"],
    ["frame_number", "UInt64"],
  ]);
  assertEquals([AudioFrame.read_behavior, AudioFrame.default_capacity], [
    "read_next_in_order",
    32,
  ]);
  same<
    Same<AudioFrame, {
      readonly samples: Float32Array;
      readonly channels: number;
      readonly sample_rate: number;
      readonly timestamp_ns: bigint;
      readonly frame_number: bigint;
    }>
  >();
});

Deno.test("DataFrame has the fields that users know", () => {
  assertEquals(fieldsOf(DataFrame), [
    ["data", "Bytes"],
    ["schema_name", "String"],
    ["timestamp_ns", "Int64"],
  ]);
  assertEquals([DataFrame.read_behavior, DataFrame.default_capacity], [
    "skip_to_latest",
    16,
  ]);
  same<
    Same<DataFrame, {
      readonly data: Uint8Array;
      readonly schema_name: string;
      readonly timestamp_ns: bigint;
    }>
  >();
});

// A peer of version 0.1 compares this hash: it must stay what it was there.
permittedTest(
  "the JSON and the hash of the shipped frames are those of version 0.1",
  { read: true },
  async () => {
    const lines = [VideoFrame, AudioFrame, DataFrame].map((schema) => {
      const json = connectionSchemaToJson(
        connectionSchema({ inputs: { a: schema } }),
      );
      return `${canonicalJson(json.inputs[0]!.schema)}\n${schemaHash(json)}\n`;
    });
    await assertGolden("shipped_frames.txt", lines.join(""));
  },
);
