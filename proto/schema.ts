/**
 * A schema: what the frames of a port hold.
 *
 * @module
 */

import { checkSchema, nestingOf } from "./schema_check.ts";
import {
  defineFields,
  type FieldDefinitions,
  type Fields,
  type FieldTypes,
  type TypesOf,
  type ValuesOf,
} from "./field_type.ts";

/** How a port hands out the frames that came while nobody looked: the newest alone, or each in turn. */
export type ReadBehavior = "skip_to_latest" | "read_next_in_order";

/** The version of a schema. Each part is an integer from 0 to 2^32 - 1. */
export interface SchemaVersion {
  /** Raised when old readers no longer understand it. */
  readonly major: number;
  /** Raised when it grew. */
  readonly minor: number;
  /** Raised when it was only corrected. */
  readonly patch: number;
}

/** What a port does by default with the frames of a schema. */
export interface PortDefaults {
  /** How frames are read. */
  readonly read_behavior: ReadBehavior;
  /** How many unread frames a port holds. */
  readonly default_capacity: number;
}

/** What a schema's frames are, which decides its {@link PortDefaults}. */
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

/** A schema. Made by {@link schema} or `parseSchema`, which check it; immutable. */
export interface Schema<F extends FieldTypes = FieldTypes>
  extends PortDefaults {
  /** What it is called, such as `VideoFrame` or `com.example.Pose`. */
  readonly name: string;
  /** Which version of it this is. */
  readonly version: SchemaVersion;
  /** Its fields by name, in their order. */
  readonly fields: Fields<F>;
  /** How many levels of values its frames have: 1 where every field is a scalar. */
  readonly nesting: number;
}

/** The frames of a schema: a plain object, by the schema's fields. */
export type Frame<S extends Schema> = ValuesOf<S["fields"]>;

/** A schema as an author writes it. */
export interface SchemaDefinition<D extends FieldDefinitions>
  extends Partial<PortDefaults> {
  /** What it is called: identifiers joined by dots. */
  readonly name: string;
  /** Which version of it this is. */
  readonly version: SchemaVersion;
  /** Its fields, at most 256: a type each, or a `field` with its description. */
  readonly fields: D;
  /** What its frames are; `other` if not said. Decides what a port does by default. */
  readonly kind?: FrameKind;
}

/**
 * A schema from its definition.
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
 * @throws {BridgeError} `schema_mismatch`, naming the schema, the field and what is wrong with it
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
