/**
 * Whether fields have textures or buffers.
 *
 * @module
 */

import type { Field, Fields, FieldType } from "./field_type.ts";

/** Whether values of this type are, or contain, textures or buffers. */
export function hasMemory(type: FieldType): boolean {
  switch (type.kind) {
    case "Texture":
    case "Buffer":
      return true;
    case "Array":
      return hasMemory(type.element);
    case "Optional":
      return hasMemory(type.inner);
    case "Struct":
      return fieldsHaveMemory(type.fields);
    case "SchemaRef":
      return fieldsHaveMemory(type.schema.fields);
    default:
      return false;
  }
}

/** Whether one of these fields has textures or buffers. */
export function fieldsHaveMemory(fields: Fields): boolean {
  return Object.values<Field>(fields).some(({ type }) => hasMemory(type));
}
