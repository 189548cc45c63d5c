/**
 * The public part of what both sides share: schemas, ports, frames, errors.
 *
 * @module
 */

export * from "./schema/frames/audio_frame.ts";
export * from "./schema/frames/data_frame.ts";
export {
  BridgeError,
  describeError,
  type ErrorCode,
  isErrorCode,
} from "./errors.ts";
export * from "./schema/field_type.ts";
export {
  Clock,
  Count,
  type IntegerType,
  type Mark,
  type Marked,
  Mirror,
  type MirrorPath,
} from "./schema/marks/mark.ts";
export type {
  AddedVariantJson,
  FieldJson,
  FieldTypeJson,
  FixedArrayJson,
  SchemaForm,
} from "./schema/json/field_type_json.ts";
export type { ConnectionSchema, NoPorts } from "./schema/connection_schema.ts";
export type * from "./schema/call_types.ts";
export type {
  CallJson,
  Declarations,
  DeclarationsJson,
  SettingJson,
  SettingValueJson,
} from "./schema/json/declarations_json.ts";
export type {
  ConnectionSchemaJson,
  PortJson,
} from "./schema/json/connection_schema_json.ts";
export {
  parseDescription,
  type ProcessorDescription,
} from "./schema/json/description_json.ts";
export * from "./schema/settings.ts";
export * from "./names.ts";
export * from "./schema/processor_types.ts";
export * from "./schema/port.ts";
export * from "./schema/json/registry_json.ts";
export * from "./schema/schema.ts";
export * from "./schema/json/schema_json.ts";
export {
  CLIENT_STATES,
  type ClientState,
  DERIVED_STATES,
  type DerivedState,
  HOST_STATES,
  type HostState,
  WAITING_FOR,
} from "./states/states.ts";
export * from "./schema/surface.ts";
export * from "./schema/read_into.ts";
export * from "./schema/frames/video_frame.ts";
