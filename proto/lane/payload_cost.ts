/**
 * What the bytes of a payload cost once they are values. Numbers, text and data take
 * about their bytes; but an element of a list is a value of its own, however few
 * bytes it has.
 *
 * @module
 */

import { VALUE_COST_BYTES } from "../limits.ts";
import type { Field, Fields, FieldType, Schema } from "../schema/field_type.ts";

/** The least bytes, and the values, of one element of a list. */
interface Element {
  readonly bytes: number;
  readonly values: number;
}

/** Returns the most that a byte of a frame of this schema costs, in bytes. 1 if it has no list. */
export function costPerByte(schema: Schema): number {
  return new Costs().ofSchema(schema).perByte;
}

/** What is known of the fields of a struct. */
interface Level {
  /** As one element of a list. */
  readonly element: Element;
  /** The most that a byte of them costs. */
  readonly perByte: number;
}

/** Looks at each schema once, however often it is referred to. */
class Costs {
  readonly #known = new Map<Schema, Level>();

  ofSchema(schema: Schema): Level {
    const level = this.#known.get(schema) ?? this.#ofFields(schema.fields);
    this.#known.set(schema, level);
    return level;
  }

  #ofFields(fields: Fields): Level {
    let bytes = 0, values = 1, perByte = 1;
    for (const { type } of Object.values<Field>(fields)) {
      const level = this.#ofType(type);
      bytes += level.element.bytes;
      values += level.element.values;
      perByte = Math.max(perByte, level.perByte);
    }
    return { element: { bytes: Math.max(1, bytes), values }, perByte };
  }

  #ofType(type: FieldType): Level {
    switch (type.kind) {
      case "Array": {
        const { element: { bytes, values }, perByte } = this.#ofType(
          type.element,
        );
        return {
          element: LIST,
          perByte: Math.max(perByte, 1 + VALUE_COST_BYTES * values / bytes),
        };
      }
      case "Optional":
        return { ...this.#ofType(type.inner), element: OPTIONAL };
      case "Struct":
        return this.#ofFields(type.fields);
      case "SchemaRef":
        return this.ofSchema(type.schema);
      default:
        return { element: { bytes: LEAST[type.kind], values: 1 }, perByte: 1 };
    }
  }
}

const LIST: Element = { bytes: 4, values: 1 };
const OPTIONAL: Element = { bytes: 1, values: 1 };

/** The least bytes of a value. */
const LEAST = {
  Bool: 1,
  Enum: 2,
  Int32: 4,
  UInt32: 4,
  Float32: 4,
  String: 4,
  Bytes: 4,
  Int64: 8,
  UInt64: 8,
  Float64: 8,
  Texture: 12,
  Buffer: 16,
} as const;
