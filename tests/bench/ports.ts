/** The ports of the bench's processors. */

import {
  Array as List,
  field,
  Float64,
  type Frame,
  type Port,
  port,
  schema,
  UInt32,
  VideoFrame,
} from "../../client/mod.ts";

/** A frame of 64 bytes: two numbers of 4 bytes and seven of 8. */
export const Sample = schema({
  name: "com.example.bench.Sample",
  version: { major: 1, minor: 0, patch: 0 },
  kind: "sensor",
  fields: {
    number: field(UInt32, "From 0"),
    is_last: field(UInt32, "1 in the last frame of a round, else 0"),
    sent_us: field(Float64, "When it was sent, in microseconds of now()"),
    turn_x: field(Float64, "Rotation"),
    turn_y: field(Float64, "Rotation"),
    turn_z: field(Float64, "Rotation"),
    pull_x: field(Float64, "Acceleration"),
    pull_y: field(Float64, "Acceleration"),
    pull_z: field(Float64, "Acceleration"),
  },
});

/** What a processor has measured. */
const Report = schema({
  name: "com.example.bench.Report",
  version: { major: 1, minor: 0, patch: 0 },
  kind: "control",
  fields: { values: field(List(Float64), "In the unit of the measure") },
});

/** Samples, of which none is skipped. */
export const SAMPLES: Port<typeof Sample> = port(Sample, {
  read_behavior: "read_next_in_order",
  capacity: 128,
});

/** Pictures, of which none is skipped. */
export const PICTURES: Port<typeof VideoFrame> = port(VideoFrame, {
  read_behavior: "read_next_in_order",
  capacity: 8,
});

/** Reports of a processor. */
export const REPORTS: Port<typeof Report> = port(Report, {
  read_behavior: "read_next_in_order",
  capacity: 4,
});

/** The time of the last picture of a round; all others have 0. */
export const LAST_PICTURE_NS = 1n;

/** A sample with values in all its fields. */
export function sampleOf(number: number, isLast = false): Frame<typeof Sample> {
  return {
    number,
    is_last: isLast ? 1 : 0,
    sent_us: 0,
    turn_x: 0.25,
    turn_y: -0.5,
    turn_z: number,
    pull_x: 0,
    pull_y: 9.81,
    pull_z: -1,
  };
}

/** The same values in a new frame: every field is read. */
export function copyOf(
  {
    number,
    is_last,
    sent_us,
    turn_x,
    turn_y,
    turn_z,
    pull_x,
    pull_y,
    pull_z,
  }: Frame<typeof Sample>,
): Frame<typeof Sample> {
  return {
    number,
    is_last,
    sent_us,
    turn_x,
    turn_y,
    turn_z,
    pull_x,
    pull_y,
    pull_z,
  };
}
