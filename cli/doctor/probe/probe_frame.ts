/**
 * The probe's own schema: a small picture, and what the child has copied.
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
  picture: field(Texture("rgba8"), "Bytes that the child inverts"),
  number: field(UInt32, "The how manieth frame it is, from 0"),
  client_copied_bytes: field(
    UInt64,
    "Payload bytes that the child's process has copied so far; 0 on the way in",
  ),
} as const;

/** A picture that carries its own evidence. */
export const ProbeFrame: Schema<TypesOf<typeof FIELDS>> = schema({
  name: "com.tatolab.streamlib.ProbeFrame",
  version: { major: 1, minor: 0, patch: 0 },
  fields: FIELDS,
});

/** The one port of the probe, in and out: nothing may be skipped. */
export const PROBE_PORT: Port<typeof ProbeFrame> = port(ProbeFrame, {
  read_behavior: "read_next_in_order",
  capacity: 4,
});
