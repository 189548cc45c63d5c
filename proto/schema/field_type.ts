/**
 * The types that a field of a frame can have.
 *
 * | here | XPC type | in a frame | JSON form |
 * |---|---|---|---|
 * | `Int32`, `UInt32` | int64, uint64 | `number` | `"Int32"`, `"UInt32"` |
 * | `Int64`, `UInt64` | int64, uint64 | `bigint` | `"Int64"`, `"UInt64"` |
 * | `Float32`, `Float64` | double | `number` | `"Float32"`, `"Float64"` |
 * | `Bool` | bool | `boolean` | `"Bool"` |
 * | `String` | string | `string` | `"String"` |
 * | `Bytes` | data | `Uint8Array` | `"Bytes"` |
 * | `Texture("rgba8")` | a surface | {@link Surface} | `{"Texture": {"format": "rgba8"}}` |
 * | `Buffer(Float32)`, any numeric type | shared memory | `Float32Array` | `{"Buffer": {"element_type": "Float32"}}` |
 * | `Array(Bool)` | array | `boolean[]` | `{"Array": "Bool"}` |
 * | `Array(Int32)`, any numeric type | array | `Int32Array` | `{"Array": "Int32"}` |
 * | `FixedArray(Float32, 512)` | array | `Float32Array` | `{"Array": {"element": "Float32", "length": 512}}` |
 * | `Struct({ x: Float32 })` | dictionary | `{ x: number }` | `{"Struct": {"fields": [{"name": "x", "type": "Float32"}]}}` |
 * | `Optional(Int32)` | null or int64 | `number \| null` | `{"Optional": "Int32"}` |
 * | `Enum("on", "off")` | string | `"on" \| "off"` | `{"Enum": ["on", "off"]}` |
 * | `SchemaRef(Point)` | as `Point` | `Frame<typeof Point>` | `{"SchemaRef": "Point"}` |
 *
 * `Int8`, `UInt8`, `Int16`, `UInt16` and `Float16` are types of the elements of
 * a `Buffer` and of nothing else: XPC has no such numbers, and a field or an
 * array of them takes as much of a message as the wider type.
 *
 * The names are those of the JSON form, so `String` and `Array` hide the
 * globals in a module that imports them by name.
 *
 * @module
 */

import { hasProperties, Place, quote, show } from "./schema_place.ts";
import type { PixelFormat, Surface } from "./surface.ts";

/** The typed array of each numeric type. */
export interface NumericArrays {
  /** 32-bit signed integers. */
  Int32: Int32Array;
  /** 64-bit signed integers. */
  Int64: BigInt64Array;
  /** 32-bit unsigned integers. */
  UInt32: Uint32Array;
  /** 64-bit unsigned integers. */
  UInt64: BigUint64Array;
  /** 32-bit floats. */
  Float32: Float32Array;
  /** 64-bit floats. */
  Float64: Float64Array;
}

/** The name of a numeric type. */
export type NumericKind = keyof NumericArrays;

/** The typed array of each type of a buffer's elements. */
export interface ElementArrays extends NumericArrays {
  /** 8-bit signed integers. */
  Int8: Int8Array;
  /** 8-bit unsigned integers: samples, or bytes such as an encoded packet. */
  UInt8: Uint8Array;
  /** 16-bit signed integers. */
  Int16: Int16Array;
  /** 16-bit unsigned integers. */
  UInt16: Uint16Array;
  /** 16-bit floats. */
  Float16: Float16Array;
}

/** The name of the type of a buffer's elements. */
export type ElementKind = keyof ElementArrays;

/** A typed array of any type of elements. */
export type NumericArray = ElementArrays[ElementKind];

/** The value of each scalar type in a frame. */
export interface ScalarValues {
  /** An integer from -2^31 to 2^31 - 1. */
  Int32: number;
  /** An integer from -2^63 to 2^63 - 1. */
  Int64: bigint;
  /** An integer from 0 to 2^32 - 1. */
  UInt32: number;
  /** An integer from 0 to 2^64 - 1. */
  UInt64: bigint;
  /** A number, rounded to 32 bits. */
  Float32: number;
  /** Any number. */
  Float64: number;
  /** True or false. */
  Bool: boolean;
  /** Well-formed text without U+0000. */
  String: string;
  /** Bytes, copied into the message. For large data use `Buffer`. */
  Bytes: Uint8Array;
}

/** The name of a type without parameters. */
export type ScalarKind = keyof ScalarValues;

/** A type without parameters. */
export interface Scalar<K extends ScalarKind = ScalarKind> {
  /** Its name. */
  readonly kind: K;
}

function scalar<K extends ScalarKind>(kind: K): Scalar<K> {
  return Object.freeze({ kind });
}

/** A signed 32-bit integer, a `number`. */
export type Int32 = Scalar<"Int32">;
/** A signed 32-bit integer, a `number`. */
export const Int32: Int32 = scalar("Int32");

/** A signed 64-bit integer, a `bigint`. */
export type Int64 = Scalar<"Int64">;
/** A signed 64-bit integer, a `bigint`. */
export const Int64: Int64 = scalar("Int64");

/** An unsigned 32-bit integer, a `number`. */
export type UInt32 = Scalar<"UInt32">;
/** An unsigned 32-bit integer, a `number`. */
export const UInt32: UInt32 = scalar("UInt32");

/** An unsigned 64-bit integer, a `bigint`. */
export type UInt64 = Scalar<"UInt64">;
/** An unsigned 64-bit integer, a `bigint`. */
export const UInt64: UInt64 = scalar("UInt64");

/** A 32-bit float, a `number`. */
export type Float32 = Scalar<"Float32">;
/** A 32-bit float, a `number`. */
export const Float32: Float32 = scalar("Float32");

/** A 64-bit float, a `number`. */
export type Float64 = Scalar<"Float64">;
/** A 64-bit float, a `number`. */
export const Float64: Float64 = scalar("Float64");

/** A type that only the elements of a buffer can have. */
export interface Element<K extends ElementKind = ElementKind> {
  /** Its name. */
  readonly kind: K;
}

function element<K extends ElementKind>(kind: K): Element<K> {
  return Object.freeze({ kind });
}

/** A signed 8-bit integer in a buffer. */
export type Int8 = Element<"Int8">;
/** A signed 8-bit integer in a buffer. */
export const Int8: Int8 = element("Int8");

/** An unsigned 8-bit integer in a buffer. */
export type UInt8 = Element<"UInt8">;
/** An unsigned 8-bit integer in a buffer. */
export const UInt8: UInt8 = element("UInt8");

/** A signed 16-bit integer in a buffer. */
export type Int16 = Element<"Int16">;
/** A signed 16-bit integer in a buffer. */
export const Int16: Int16 = element("Int16");

/** An unsigned 16-bit integer in a buffer. */
export type UInt16 = Element<"UInt16">;
/** An unsigned 16-bit integer in a buffer. */
export const UInt16: UInt16 = element("UInt16");

/** A 16-bit float in a buffer. */
export type Float16 = Element<"Float16">;
/** A 16-bit float in a buffer. */
export const Float16: Float16 = element("Float16");

/** A `boolean`. */
export type Bool = Scalar<"Bool">;
/** A `boolean`. */
export const Bool: Bool = scalar("Bool");

/** Text. */
type StringType = Scalar<"String">;
/** Text. */
const StringType: StringType = scalar("String");

/** Bytes, a `Uint8Array`, copied into the message. */
export type Bytes = Scalar<"Bytes">;
/** Bytes, a `Uint8Array`, copied into the message. */
export const Bytes: Bytes = scalar("Bytes");

/** The format of a texture: a pixel format, or `any`. */
export type TextureFormat = PixelFormat | "any";

/** Pixels, a {@link Surface}: shared, never copied. */
export interface Texture<F extends TextureFormat = TextureFormat> {
  /** Its name. */
  readonly kind: "Texture";
  /** The pixel format of every surface in this field, or `any`. */
  readonly format: F;
}

/** Pixels of `format`. With `any`, another field usually tells the format. */
export function Texture<F extends TextureFormat>(format: F): Texture<F> {
  return Object.freeze({ kind: "Texture", format });
}

/** A numeric array in shared memory, a typed array: shared, never copied. */
export interface Buffer<E extends ElementKind = ElementKind> {
  /** Its name. */
  readonly kind: "Buffer";
  /** The type of its elements. */
  readonly element_type: E;
}

/**
 * A numeric array of the type `element` in shared memory, such as
 * `Buffer(Float32)` for samples.
 *
 * A frame's buffer may have fewer elements than it was acquired with: assign its
 * beginning before the frame is sent. So encoded packets, whose size is known
 * only at the end, travel in shared memory.
 *
 * ```ts
 * import { Buffer, type OutgoingFrame, schema, UInt8 } from "@streamlib/bridge";
 *
 * const Packet = schema({
 *   name: "Packet",
 *   version: { major: 1, minor: 0, patch: 0 },
 *   fields: { data: Buffer(UInt8) },
 * });
 *
 * function fill(frame: OutgoingFrame<typeof Packet>, packet: Uint8Array): void {
 *   frame.data.set(packet);
 *   frame.data = frame.data.subarray(0, packet.length);
 * }
 * ```
 */
export function Buffer<E extends ElementKind>(element: Element<E>): Buffer<E> {
  return Object.freeze({ kind: "Buffer", element_type: element.kind });
}

/** Values of one type, copied into the message. */
interface ArrayType<T extends FieldType = FieldType> {
  /** Its name. */
  readonly kind: "Array";
  /** The type of its elements. */
  readonly element: T;
  /** The number of elements. Absent if it can be any number. */
  readonly length?: number;
}

/** Any number of values of the type `element`, copied into the message. */
function ArrayType<T extends FieldType>(element: T): ArrayType<T> {
  return Object.freeze({ kind: "Array", element });
}

/**
 * Exactly `length` values of the type `element`, copied into the message. A
 * matrix is an array of its rows: `FixedArray(FixedArray(Float32, 4), 3)`.
 */
export function FixedArray<T extends FieldType>(
  element: T,
  length: number,
): ArrayType<T> {
  return Object.freeze({ kind: "Array", element, length });
}

export { ArrayType as Array, StringType as String };

/** A value of one type, or `null`. */
export interface Optional<T extends FieldType = FieldType> {
  /** Its name. */
  readonly kind: "Optional";
  /** The type of the value. */
  readonly inner: T;
}

/** A value of the type `inner`, or `null`. */
export function Optional<T extends FieldType>(inner: T): Optional<T> {
  return Object.freeze({ kind: "Optional", inner });
}

/** One name out of a list. */
export interface Enum<V extends string = string> {
  /** Its name. */
  readonly kind: "Enum";
  /** The names. */
  readonly variants: readonly V[];
  /** The minor version of the schema that has added a name, for names that the base form does not have. */
  readonly added?: Readonly<Record<string, number>>;
}

/** One of `variants`, a `string`. */
export function Enum<V extends string>(...variants: V[]): Enum<V> {
  return Object.freeze({ kind: "Enum", variants: Object.freeze(variants) });
}

/**
 * An enum with more names, which a minor version of its schema has added. They
 * are not part of the schema's base form; to a peer of an earlier minor version
 * a frame with one of them cannot be sent.
 *
 * ```ts
 * import { Enum, Extended } from "@streamlib/bridge";
 *
 * const Codec = Extended(Enum("h264", "vp9"), 1, "av1");
 * console.log(Codec.variants); // ["h264", "vp9", "av1"]
 * ```
 *
 * @param since the minor version of the schema that has added the names
 */
export function Extended<V extends string, W extends string>(
  type: Enum<V>,
  since: number,
  ...variants: W[]
): Enum<V | W> {
  return Object.freeze({
    kind: "Enum",
    variants: Object.freeze([...type.variants, ...variants]),
    added: Object.freeze({
      ...type.added,
      ...Object.fromEntries(variants.map((name) => [name, since])),
    }),
  });
}

/** A field with the fields of another schema. */
export interface SchemaRef<S extends Schema = Schema> {
  /** Its name. */
  readonly kind: "SchemaRef";
  /** The schema. Its JSON form is only its name. */
  readonly schema: S;
}

/** A field with the fields of `schema`. */
export function SchemaRef<S extends Schema>(schema: S): SchemaRef<S> {
  return Object.freeze({ kind: "SchemaRef", schema });
}

/** A field that consists of fields. */
export interface Struct<F extends FieldTypes = FieldTypes> {
  /** Its name. */
  readonly kind: "Struct";
  /** The fields by name, in their order. */
  readonly fields: Fields<F>;
}

/** A field that consists of fields, such as `Struct({ x: Float32, y: Float32 })`. Throws `bad_argument` if one is neither a type nor a field. */
export function Struct<const D extends FieldDefinitions>(
  fields: D,
): Struct<TypesOf<D>> {
  return Object.freeze({ kind: "Struct", fields: defineFields(fields) });
}

/** Any field type. */
export type FieldType =
  | Scalar
  | Texture
  | Buffer
  | ArrayType
  | Optional
  | Enum
  | SchemaRef
  | Struct;

/** A field: its type and an optional description. */
export interface Field<T extends FieldType = FieldType> {
  /** The type of its values. */
  readonly type: T;
  /** Its meaning, for readers. */
  readonly description?: string;
  /** The minor version of the schema that has added it. Absent if the base form has it. */
  readonly since?: number;
}

/** The options of a field. */
export interface FieldOptions {
  /** The minor version of the schema that has added the field, which must be an `Optional` without textures and buffers. */
  readonly since: number;
}

/**
 * Makes a field with a description. A field without one is written as its type
 * only. A field that a minor version has added is not part of the schema's base
 * form, so that peers of an earlier minor version still connect; with them it is
 * not sent, and received as `null`. So it is in a schema whose own minor version
 * is earlier, such as one that has the fields of another schema.
 */
export function field<T extends FieldType>(
  type: T,
  description: string,
  options?: FieldOptions,
): Field<T> {
  return Object.freeze({ type, description, ...options });
}

/** The types of some fields, by name. */
export interface FieldTypes {
  /** The type of the field of that name. */
  readonly [name: string]: FieldType;
}

/** Fields by name, in order. */
export type Fields<F extends FieldTypes = FieldTypes> = {
  readonly [K in keyof F]: Field<F[K]>;
};

/** Fields in a definition: each is a type, or a {@link field} with a description. */
export interface FieldDefinitions {
  /** The field of that name. */
  readonly [name: string]: FieldType | Field;
}

/** The {@link Fields} of a definition. */
export type TypesOf<D extends FieldDefinitions> = {
  readonly [K in keyof D]: D[K] extends Field<infer T> ? T
    : D[K] extends FieldType ? D[K]
    : never;
};

/** Converts the fields of a definition into {@link Fields}. Throws `bad_argument` if one is neither a type nor a field. */
export function defineFields<D extends FieldDefinitions>(
  definitions: D,
): Fields<TypesOf<D>> {
  new Place("the fields").map(definitions, "{ count: UInt32 }");
  const fields = Object.entries(definitions).map(([name, definition]) => {
    checkDefined(name, definition);
    return [
      name,
      "kind" in definition ? Object.freeze({ type: definition }) : definition,
    ];
  });
  return Object.freeze(Object.fromEntries(fields));
}

/** TypeScript refuses what is neither a type nor a field. JavaScript does not. */
function checkDefined(name: string, definition: unknown): void {
  if (
    hasProperties(definition) &&
    ("kind" in definition || hasProperties(definition["type"]))
  ) return;
  new Place(`the field ${quote(name)}`).misuse(
    `it is ${
      show(definition)
    }, neither a type nor a field; write UInt32, or field(UInt32, "what it means")`,
  );
}

/** The value of a field whose type is known only at run time. */
export type FieldValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | NumericArray
  | Surface
  | readonly FieldValue[]
  | { readonly [name: string]: FieldValue };

/** The value of type `T` in a frame. {@link FieldValue} if `T` is known only at run time. */
export type ValueOf<T extends FieldType> = FieldType extends T ? FieldValue
  : T extends Scalar<infer K> ? ScalarValues[K]
  : T extends Texture ? Surface
  : T extends Buffer<infer E> ? ElementArrays[E]
  : T extends ArrayType<infer E> ? ArrayOf<E>
  : T extends Optional<infer I> ? ValueOf<I> | null
  : T extends Enum<infer V> ? V
  : T extends SchemaRef<infer S> ? Frame<S>
  : T extends Struct ? ValuesOf<T["fields"]>
  : never;

/** The value of an array of `E` in a frame: a typed array if `E` is numeric. */
export type ArrayOf<E extends FieldType> = E extends
  Scalar<infer K extends NumericKind> ? NumericArrays[K]
  : readonly ValueOf<E>[];

/** The values of some fields in a frame: an object. */
export type ValuesOf<F extends Fields> = {
  readonly [K in keyof F]: ValueOf<F[K]["type"]>;
};

// ---- schemas: here, because a schema refers to types, and a type to a schema ----

/** How a port returns unread frames: only the newest one, or each in order. */
export type ReadBehavior = "skip_to_latest" | "read_next_in_order";

/** The version of a schema. Each part is an integer from 0 to 2^32 - 1. */
export interface SchemaVersion {
  /** Raised when a change is incompatible with old readers. */
  readonly major: number;
  /** Raised when something is added. */
  readonly minor: number;
  /** Raised for a correction. */
  readonly patch: number;
}

/** The defaults of the ports of a schema. */
export interface PortDefaults {
  /** How frames are read. */
  readonly read_behavior: ReadBehavior;
  /** The most unread frames that a port holds. */
  readonly default_capacity: number;
}

/** A schema. Made and checked by `schema` or `parseSchema`. Immutable. */
export interface Schema<F extends FieldTypes = FieldTypes>
  extends PortDefaults {
  /** Its name, such as `VideoFrame` or `com.example.Pose`. */
  readonly name: string;
  /** Its version. */
  readonly version: SchemaVersion;
  /** Its fields by name, in order. */
  readonly fields: Fields<F>;
  /** The number of levels of values in its frames: 1 if every field is a scalar. */
  readonly nesting: number;
}

/** A frame of a schema: a plain object with a value for each field. */
export type Frame<S extends Schema> = ValuesOf<S["fields"]>;
