/**
 * The size of a frame: what a transport without shared memory would copy.
 *
 * @module
 */

import type { Fields, FieldType } from "../proto/schema/field_type.ts";
import { SurfaceView } from "../proto/schema/surface_view.ts";

/** Whether values of a type can have bytes that {@link frameBytes} counts. */
export function hasBytes(type: FieldType): boolean {
  switch (type.kind) {
    case "Texture":
    case "Buffer":
    case "Bytes":
      return true;
    case "Optional":
      return hasBytes(type.inner);
    case "Array":
      return hasBytes(type.element);
    case "Struct":
      return fieldsHaveBytes(type.fields);
    case "SchemaRef":
      return fieldsHaveBytes(type.schema.fields);
    default:
      return false;
  }
}

/** Whether frames with these fields can have bytes that {@link frameBytes} counts. */
export function fieldsHaveBytes(fields: Fields): boolean {
  return Object.values(fields).some(({ type }) => hasBytes(type));
}

/**
 * Returns the bytes of a frame's textures, buffers, data and numeric arrays, at
 * any depth. Single values and text are not counted.
 */
export function frameBytes(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  if (value instanceof SurfaceView) return value.layout.bytes;
  if (ArrayBuffer.isView(value)) return value.byteLength;
  let bytes = 0;
  if (Array.isArray(value)) {
    for (const element of value) bytes += frameBytes(element);
  } else {
    for (const key in value) {
      bytes += frameBytes((value as { readonly [key: string]: unknown })[key]);
    }
  }
  return bytes;
}
