/**
 * Frames as JSON, by their schema, for golden files that other languages read too.
 *
 * | field type | JSON |
 * |---|---|
 * | Int32, UInt32, Float32, Float64 | a number; "NaN", "Infinity", "-Infinity", "-0" |
 * | Int64, UInt64 | a string of decimal digits |
 * | Bool, String, Enum, Optional, Array, Struct, SchemaRef | as in JSON |
 * | Bytes | a string of hex digits |
 * | Texture | an object: `id`, `generation`, `moved` |
 * | Buffer | the same, and `length` |
 */

import type {
  MemoryFinder,
  MemoryName,
  MemoryNamer,
} from "../../proto/lane/lane_memory.ts";
import type {
  Field,
  Fields,
  FieldType,
  NumericArray,
  NumericKind,
} from "../../proto/schema/field_type.ts";
import { NUMERIC_ARRAYS } from "../../proto/schema/numeric_array.ts";
import type { Surface } from "../../proto/schema/surface.ts";
import { surface } from "./fake_capabilities.ts";

/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | {
  [key: string]: Json;
};
export type JsonObject = { [key: string]: Json };

/** Returns the bytes of hex digits; spaces between them are ignored. */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  const digits = hex.replaceAll(" ", "");
  return Uint8Array.from(
    { length: digits.length / 2 },
    (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}

/** Returns the hex digits of bytes, in groups of four bytes. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(
    bytes,
    (byte, i) =>
      (i > 0 && i % 4 === 0 ? " " : "") +
      byte.toString(16).padStart(2, "0"),
  ).join("");
}

/** The memory that frames in JSON name: a surface or buffer of its own for each name. */
export class NamedMemory implements MemoryNamer, MemoryFinder {
  readonly #names = new Map<unknown, MemoryName>();
  readonly #found = new Map<string, unknown>();

  name(value: unknown): MemoryName {
    return this.#names.get(value)!;
  }

  texture(name: MemoryName): ReturnType<MemoryFinder["texture"]> {
    return this.#of(name, () => surface("bgra8"));
  }

  buffer: MemoryFinder["buffer"] = (name, element_type, length) =>
    this.#of(name, () => new NUMERIC_ARRAYS[element_type](length));

  #of<T>({ id, generation, moved }: MemoryName, make: () => T): T {
    const name = { id, generation, moved };
    const key = JSON.stringify(name);
    const value = this.#found.get(key) ?? make();
    this.#found.set(key, value);
    this.#names.set(value, name);
    return value as T;
  }
}

function floatOf(json: Json): number {
  return typeof json === "string" ? Number(json) : json as number;
}

function jsonOfFloat(value: number): Json {
  return Number.isFinite(value) && !Object.is(value, -0)
    ? value
    : Object.is(value, -0)
    ? "-0"
    : `${value}`;
}

/** Returns the value of a type in JSON. */
function valueOfJson(
  type: FieldType,
  json: Json,
  memory: NamedMemory,
): unknown {
  switch (type.kind) {
    case "Int64":
    case "UInt64":
      return BigInt(json as string);
    case "Float32":
    case "Float64":
      return floatOf(json);
    case "Bytes":
      return fromHex(json as string);
    case "Texture":
      return memory.texture(json as unknown as MemoryName);
    case "Buffer": {
      const { length, ...name } = json as JsonObject;
      return memory.buffer(
        name as unknown as MemoryName,
        type.element_type,
        length as number,
      );
    }
    case "Array": {
      const items = (json as Json[]).map((item) =>
        valueOfJson(type.element, item, memory)
      );
      if (!(type.element.kind in NUMERIC_ARRAYS)) return items;
      const numbers: { [index: number]: unknown } = new NUMERIC_ARRAYS[
        type.element.kind as NumericKind
      ](items.length);
      items.forEach((item, i) => numbers[i] = item);
      return numbers;
    }
    case "Optional":
      return json === null ? null : valueOfJson(type.inner, json, memory);
    case "Struct":
      return valuesOfJson(type.fields, json as JsonObject, memory);
    case "SchemaRef":
      return valuesOfJson(type.schema.fields, json as JsonObject, memory);
    default:
      return json;
  }
}

/** Returns the values of fields in JSON. */
export function valuesOfJson(
  fields: Fields,
  json: JsonObject,
  memory: NamedMemory,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries<Field>(fields).map(([name, { type }]) => [
      name,
      valueOfJson(type, json[name] ?? null, memory),
    ]),
  );
}

/** Returns a value of a type as JSON. */
function jsonOfValue(
  type: FieldType,
  value: unknown,
  memory: MemoryNamer,
): Json {
  switch (type.kind) {
    case "Int64":
    case "UInt64":
      return String(value);
    case "Float32":
    case "Float64":
      return jsonOfFloat(value as number);
    case "Bytes":
      return toHex(value as Uint8Array).replaceAll(" ", "");
    case "Texture":
      return { ...memory.name(value as Surface) };
    case "Buffer":
      return {
        ...memory.name(value as NumericArray),
        length: (value as Uint8Array).length,
      };
    case "Array":
      return Array.from(
        value as ArrayLike<unknown>,
        (item) => jsonOfValue(type.element, item, memory),
      );
    case "Optional":
      return value === null ? null : jsonOfValue(type.inner, value, memory);
    case "Struct":
      return jsonOfValues(
        type.fields,
        value as Record<string, unknown>,
        memory,
      );
    case "SchemaRef":
      return jsonOfValues(
        type.schema.fields,
        value as Record<string, unknown>,
        memory,
      );
    default:
      return value as Json;
  }
}

/** Returns the values of fields as JSON. */
export function jsonOfValues(
  fields: Fields,
  values: Record<string, unknown>,
  memory: MemoryNamer,
): JsonObject {
  return Object.fromEntries(
    Object.entries<Field>(fields).map(([name, { type }]) => [
      name,
      jsonOfValue(type, values[name], memory),
    ]),
  );
}
