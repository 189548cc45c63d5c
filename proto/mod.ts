/**
 * What both sides share and users see: schemas, ports, frames, errors.
 *
 * @module
 */

export * from "./audio_frame.ts";
export * from "./data_frame.ts";
export * from "./errors.ts";
export * from "./field_type.ts";
export type {
  FieldJson,
  FieldTypeJson,
  FixedArrayJson,
} from "./field_type_json.ts";
export type { ConnectionSchema, NoPorts } from "./connection_schema.ts";
export * from "./names.ts";
export * from "./port.ts";
export * from "./registry_json.ts";
export * from "./schema.ts";
export * from "./schema_json.ts";
export {
  CLIENT_STATES,
  type ClientState,
  DERIVED_STATES,
  type DerivedState,
  HOST_STATES,
  type HostState,
  WAITING_FOR,
} from "./states.ts";
export * from "./surface.ts";
export * from "./video_frame.ts";
