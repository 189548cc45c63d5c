/**
 * The schema of audio.
 *
 * @module
 */

import {
  Buffer,
  field,
  Float32,
  Int64,
  UInt32,
  UInt64,
} from "../field_type.ts";
import type { Frame, Schema } from "../field_type.ts";
import { Clock, Count } from "../marks/mark.ts";
import { schema } from "../schema.ts";

/** A block of audio samples. */
export const AudioFrame: Schema<{
  /** From -1 to 1, the channels interleaved. */
  readonly samples: Buffer<"Float32">;
  /** How many samples belong to one moment. */
  readonly channels: UInt32;
  /** Moments per second. */
  readonly sample_rate: UInt32;
  /** When it begins, monotonic, nanoseconds. */
  readonly timestamp_ns: Clock<Int64>;
  /** How many came before it. */
  readonly frame_number: Count<UInt64>;
}> = schema({
  name: "AudioFrame",
  version: { major: 1, minor: 0, patch: 0 },
  kind: "audio",
  fields: {
    samples: field(Buffer(Float32), "From -1 to 1, the channels interleaved"),
    channels: field(UInt32, "How many samples belong to one moment"),
    sample_rate: field(UInt32, "Moments per second"),
    timestamp_ns: field(Clock(Int64), "When it begins, monotonic, nanoseconds"),
    frame_number: field(Count(UInt64), "How many came before it"),
  },
});

/** A block of audio samples. */
export type AudioFrame = Frame<typeof AudioFrame>;
