/** What both sides declare: the pictures, and what is found in them. */
import {
  Array,
  field,
  Float32,
  port,
  schema,
  Struct,
  UInt32,
  UInt64,
  VideoFrame,
} from "@streamlib/bridge/client";

/** Every picture is read, in order. */
const inOrder = { read_behavior: "read_next_in_order" } as const;

export const VIDEO = port(VideoFrame, { ...inOrder, formats: ["gray8"] });

const Spots = schema({
  name: "com.example.Spots",
  version: { major: 1, minor: 0, patch: 0 },
  kind: "sensor",
  fields: {
    /** The middle of each spot, and how much brighter it is than what is around it. */
    spots: field(
      Array(Struct({ x: UInt32, y: UInt32, score: Float32 })),
      "The middle of each spot, and how much brighter it is than what is around it",
    ),
    /** The picture in which they were found. */
    frame_number: field(UInt64, "The picture in which they were found"),
  },
});

export const SPOTS = port(Spots, inOrder);
