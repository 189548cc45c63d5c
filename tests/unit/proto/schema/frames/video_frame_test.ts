import { assertEquals } from "@std/assert";
import { AudioFrame } from "../../../../../proto/schema/frames/audio_frame.ts";
import { DataFrame } from "../../../../../proto/schema/frames/data_frame.ts";
import { schemaToJson } from "../../../../../proto/schema/json/schema_json.ts";
import type { Schema } from "../../../../../proto/schema/field_type.ts";
import type {
  PixelFormat,
  Surface,
} from "../../../../../proto/schema/surface.ts";
import { PIXEL_FORMATS } from "../../../../../proto/schema/surface.ts";
import { VideoFrame } from "../../../../../proto/schema/frames/video_frame.ts";
import { type Same, same } from "../../../../helpers/same.ts";

function fieldsOf(schema: Schema): unknown[] {
  return schemaToJson(schema).fields.map(({ name, type }) => [name, type]);
}

Deno.test("VideoFrame has the fields that users know", () => {
  assertEquals(fieldsOf(VideoFrame), [
    ["pixel_buffer", { Texture: { format: "any" } }],
    ["pixel_format", { Enum: Object.keys(PIXEL_FORMATS) }],
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
    }>
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
