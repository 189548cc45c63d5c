/**
 * The demo's own schema: a video frame with checksums.
 *
 * @module
 */

import {
  field,
  type Port,
  port,
  type Schema,
  schema,
  type TypesOf,
  UInt32,
  UInt64,
  VideoFrame,
} from "../host/mod.ts";

const FIELDS = {
  ...VideoFrame.fields,
  input_checksum: field(
    UInt32,
    "CRC-32 of the pixels that went in: the host's, then what the client saw",
  ),
  output_checksum: field(
    UInt32,
    "CRC-32 of the pixels that the client wrote; 0 on the way in",
  ),
  client_copied_bytes: field(
    UInt64,
    "Payload bytes that the client's process has copied so far; 0 on the way in",
  ),
} as const;

/** A video frame with checksums, by which the host verifies what the client read and wrote. */
export const DemoFrame: Schema<TypesOf<typeof FIELDS>> = schema({
  name: "com.tatolab.streamlib.DemoFrame",
  version: { major: 1, minor: 1, patch: 0 }, // with what VideoFrame 1.1 has added
  fields: FIELDS,
});

/** The demo's port, for input and output. No frame is skipped. */
export const DEMO_PORT: Port<typeof DemoFrame> = port(DemoFrame, {
  read_behavior: "read_next_in_order",
  capacity: 4,
});
