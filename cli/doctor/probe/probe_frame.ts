/**
 * The schema of the probe's frames: a small picture, and a count of copied bytes.
 *
 * @module
 */

import {
  field,
  type Port,
  port,
  type Schema,
  schema,
  Texture,
  type TypesOf,
  UInt32,
  UInt64,
} from "../../../host/mod.ts";

const FIELDS = {
  picture: field(Texture("rgba8"), "The bytes that the child inverts"),
  number: field(UInt32, "The number of the frame, counted from 0"),
  client_copied_bytes: field(
    UInt64,
    "Payload bytes that the child process has copied so far; 0 in frames to the child",
  ),
} as const;

/** A picture, with the number of the frame and of copied bytes. */
export const ProbeFrame: Schema<TypesOf<typeof FIELDS>> = schema({
  name: "com.tatolab.streamlib.ProbeFrame",
  version: { major: 1, minor: 0, patch: 0 },
  fields: FIELDS,
});

/** The probe's port, for input and output. No frame may be skipped. */
export const PROBE_PORT: Port<typeof ProbeFrame> = port(ProbeFrame, {
  read_behavior: "read_next_in_order",
  capacity: 4,
});
