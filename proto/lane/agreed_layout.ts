/**
 * The layout of a schema's frames in a lane, as text. Frames in a lane contain no
 * field names. Two schemas of the same minor version can differ in the fields that it
 * has added. Then each side would misread the frames of the other. So both sides
 * compare this text before the first frame.
 *
 * @module
 */

import type { Field, Fields, FieldType, Schema } from "../schema/field_type.ts";
import {
  canonicalJson,
  type JsonValue,
} from "../schema/json/canonical_json.ts";
import { baseMinor, variantsAt } from "../schema/minor.ts";
import { sha256 } from "../sha256.ts";

/**
 * Returns a text that is the same for two schemas if the frames of one can be read
 * as frames of the other, in lanes of that minor version.
 *
 * @param minor the minor version that both sides have
 */
export function laneLayout(schema: Schema, minor: number): string {
  const seen = new Set<Schema>();
  const referred = new Set<string>();
  const fieldsOf = (fields: Fields, minor: number): JsonValue[] =>
    Object.entries<Field>(fields)
      .filter(([_, { since = 0 }]) => since <= minor)
      .sort(([one], [other]) => one < other ? -1 : 1)
      .map(([name, { type }]) => [name, typeOf(type, minor)]);
  const typeOf = (type: FieldType, minor: number): JsonValue => {
    switch (type.kind) {
      case "Enum":
        return [type.kind, ...variantsAt(type, minor)];
      case "Array":
        return [type.kind, typeOf(type.element, minor), type.length ?? null];
      case "Optional":
        return [type.kind, typeOf(type.inner, minor)];
      case "Struct":
        return [type.kind, ...fieldsOf(type.fields, minor)];
      case "Buffer":
        return [type.kind, type.element_type];
      case "Texture":
        return [type.kind, type.format];
      case "SchemaRef":
        refer(type.schema);
        return [type.kind, type.schema.name];
      default:
        return type.kind;
    }
  };
  /** Each schema is there once, however often it is referred to. */
  const refer = (schema: Schema): void => {
    if (seen.has(schema)) return;
    seen.add(schema);
    const fields = fieldsOf(schema.fields, baseMinor(schema));
    referred.add(canonicalJson([schema.name, fields]));
  };
  const fields = fieldsOf(schema.fields, minor);
  return canonicalJson([fields, [...referred].sort()]);
}

/** Returns the SHA-256 of {@link laneLayout}, as 64 hexadecimal digits. */
export function laneLayoutHash(schema: Schema, minor: number): string {
  return sha256(laneLayout(schema, minor));
}
