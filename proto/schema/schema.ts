/**
 * Schemas: the content of the frames of a port.
 *
 * @module
 */

import { checkSchema, nestingOf } from "./schema_check.ts";
import {
  defineFields,
  type FieldDefinitions,
  type PortDefaults,
  type Schema,
  type SchemaVersion,
  type TypesOf,
} from "./field_type.ts";

/** The kind of a schema's frames. It decides the {@link PortDefaults}. */
export type FrameKind = "video" | "audio" | "control" | "sensor" | "other";

/** The defaults of each kind of frame. */
export const DEFAULTS_BY_KIND: Readonly<Record<FrameKind, PortDefaults>> =
  Object.freeze({
    video: { read_behavior: "skip_to_latest", default_capacity: 4 },
    audio: { read_behavior: "read_next_in_order", default_capacity: 32 },
    control: { read_behavior: "read_next_in_order", default_capacity: 2 },
    sensor: { read_behavior: "skip_to_latest", default_capacity: 64 },
    other: { read_behavior: "skip_to_latest", default_capacity: 16 },
  });

/** The definition of a schema. */
export interface SchemaDefinition<D extends FieldDefinitions>
  extends Partial<PortDefaults> {
  /** Its name: identifiers joined by dots. */
  readonly name: string;
  /** Its version. */
  readonly version: SchemaVersion;
  /** Its fields, at most 256: each is a type, or a `field` with a description. */
  readonly fields: D;
  /** The kind of its frames, `other` by default. Decides the defaults of its ports. */
  readonly kind?: FrameKind;
}

/**
 * Makes a schema from its definition.
 *
 * ```ts
 * import { field, Float32, type Frame, schema, UInt64 } from "@streamlib/bridge";
 *
 * const Pose = schema({
 *   name: "Pose",
 *   version: { major: 1, minor: 0, patch: 0 },
 *   kind: "sensor",
 *   fields: {
 *     x: field(Float32, "Metres to the right of the origin"),
 *     y: field(Float32, "Metres above the origin"),
 *     frame_number: UInt64,
 *   },
 * });
 *
 * const pose: Frame<typeof Pose> = { x: 1.5, y: 0, frame_number: 1n };
 * console.log(pose, Pose.default_capacity); // 64
 * ```
 *
 * @throws {BridgeError} `schema_mismatch`, naming the schema, the field and what is
 * wrong with it; `bad_argument` if a field is neither a type nor a field
 */
export function schema<const D extends FieldDefinitions>(
  definition: SchemaDefinition<D>,
): Schema<TypesOf<D>> {
  const defaults = DEFAULTS_BY_KIND[definition.kind ?? "other"];
  const { major, minor, patch } = definition.version;
  const fields = defineFields(definition.fields);
  const made: Schema<TypesOf<D>> = Object.freeze({
    name: definition.name,
    version: Object.freeze({ major, minor, patch }),
    fields,
    read_behavior: definition.read_behavior ?? defaults.read_behavior,
    default_capacity: definition.default_capacity ?? defaults.default_capacity,
    nesting: nestingOf(fields),
  });
  checkSchema(made);
  return made;
}
