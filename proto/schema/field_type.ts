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
 * | `Buffer(Float32)` | shared memory | `Float32Array` | `{"Buffer": {"element_type": "Float32"}}` |
 * | `Array(Bool)` | array | `boolean[]` | `{"Array": "Bool"}` |
 * | `Array(Int32)`, any numeric type | array | `Int32Array` | `{"Array": "Int32"}` |
 * | `FixedArray(Float32, 512)` | array | `Float32Array` | `{"Array": {"element": "Float32", "length": 512}}` |
 * | `Struct({ x: Float32 })` | dictionary | `{ x: number }` | `{"Struct": {"fields": [{"name": "x", "type": "Float32"}]}}` |
 * | `Optional(Int32)` | null or int64 | `number \| null` | `{"Optional": "Int32"}` |
 * | `Enum("on", "off")` | string | `"on" \| "off"` | `{"Enum": ["on", "off"]}` |
 * | `SchemaRef(Point)` | as `Point` | `Frame<typeof Point>` | `{"SchemaRef": "Point"}` |
 *
 * The names are those of the JSON form, so `String` and `Array` hide the
 * globals in a module that imports them by name.
 *
 * @module
 */

import type { PixelFormat, Surface } from "./surface.ts";

/** What an array of numbers is in a frame, by the type of its elements. */
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

/** The names of the numeric types. */
export type NumericKind = keyof NumericArrays;

/** A typed array of one of the numeric types. */
export type NumericArray = NumericArrays[NumericKind];

/** What a scalar is in a frame, by the name of its type. */
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
  /** Bytes, copied into the message. For much data use `Buffer`. */
  Bytes: Uint8Array;
}

/** The names of the types that have no parameter. */
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

/** The format of a texture: one pixel format, or `any` of them. */
export type TextureFormat = PixelFormat | "any";

/** Pixels, a {@link Surface}: shared, never copied. */
export interface Texture<F extends TextureFormat = TextureFormat> {
  /** Its name. */
  readonly kind: "Texture";
  /** The pixel format that every surface in this field has. */
  readonly format: F;
}

/** Pixels of `format`, or of `any` one: then another field usually says which. */
export function Texture<F extends TextureFormat>(format: F): Texture<F> {
  return Object.freeze({ kind: "Texture", format });
}

/** Numbers in shared memory, a typed array: shared, never copied. */
export interface Buffer<E extends NumericKind = NumericKind> {
  /** Its name. */
  readonly kind: "Buffer";
  /** The type of its elements. */
  readonly element_type: E;
}

/** Numbers of the type `element` in shared memory, such as `Buffer(Float32)` for samples. */
export function Buffer<E extends NumericKind>(element: Scalar<E>): Buffer<E> {
  return Object.freeze({ kind: "Buffer", element_type: element.kind });
}

/** Values of one type, copied into the message. */
interface ArrayType<T extends FieldType = FieldType> {
  /** Its name. */
  readonly kind: "Array";
  /** The type of its elements. */
  readonly element: T;
  /** How many they are; absent where it may be any number. */
  readonly length?: number;
}

/** Any number of values of the type `element`, copied into the message. */
function ArrayType<T extends FieldType>(element: T): ArrayType<T> {
  return Object.freeze({ kind: "Array", element });
}

/**
 * Exactly `length` values of the type `element`, copied into the message. A
 * matrix is one of its rows: `FixedArray(FixedArray(Float32, 4), 3)`.
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
  /** The type of the value that may be there. */
  readonly inner: T;
}

/** A value of the type `inner`, or `null`. */
export function Optional<T extends FieldType>(inner: T): Optional<T> {
  return Object.freeze({ kind: "Optional", inner });
}

/** One of some names. */
export interface Enum<V extends string = string> {
  /** Its name. */
  readonly kind: "Enum";
  /** The names. */
  readonly variants: readonly V[];
}

/** One of `variants`, by name. */
export function Enum<V extends string>(...variants: V[]): Enum<V> {
  return Object.freeze({ kind: "Enum", variants: Object.freeze(variants) });
}

/** The fields of another schema, in a field. */
export interface SchemaRef<S extends Schema = Schema> {
  /** Its name. */
  readonly kind: "SchemaRef";
  /** The schema. Its JSON form is its name alone. */
  readonly schema: S;
}

/** The fields of `schema`, in a field. */
export function SchemaRef<S extends Schema>(schema: S): SchemaRef<S> {
  return Object.freeze({ kind: "SchemaRef", schema });
}

/** Fields within a field. */
export interface Struct<F extends FieldTypes = FieldTypes> {
  /** Its name. */
  readonly kind: "Struct";
  /** The fields by name, in their order. */
  readonly fields: Fields<F>;
}

/** Fields within a field, such as `Struct({ x: Float32, y: Float32 })`. */
export function Struct<const D extends FieldDefinitions>(
  fields: D,
): Struct<TypesOf<D>> {
  return Object.freeze({ kind: "Struct", fields: defineFields(fields) });
}

/** Any type that a field can have. */
export type FieldType =
  | Scalar
  | Texture
  | Buffer
  | ArrayType
  | Optional
  | Enum
  | SchemaRef
  | Struct;

/** A field: its type and, where it has one, its description. */
export interface Field<T extends FieldType = FieldType> {
  /** What its values are. */
  readonly type: T;
  /** What it means, for people. */
  readonly description?: string;
}

/** A field of a schema together with its description. A bare type is a field without one. */
export function field<T extends FieldType>(
  type: T,
  description: string,
): Field<T> {
  return Object.freeze({ type, description });
}

/** The types of some fields, by name. */
export interface FieldTypes {
  /** The type of the field of that name. */
  readonly [name: string]: FieldType;
}

/** Some fields by name, in their order. */
export type Fields<F extends FieldTypes = FieldTypes> = {
  readonly [K in keyof F]: Field<F[K]>;
};

/** Fields as an author writes them: a type, or a {@link field} with its description. */
export interface FieldDefinitions {
  /** The field of that name. */
  readonly [name: string]: FieldType | Field;
}

/** The types of fields as an author wrote them. */
export type TypesOf<D extends FieldDefinitions> = {
  readonly [K in keyof D]: D[K] extends Field<infer T> ? T
    : D[K] extends FieldType ? D[K]
    : never;
};

/** Fields as an author writes them, as {@link Fields}. */
export function defineFields<D extends FieldDefinitions>(
  definitions: D,
): Fields<TypesOf<D>> {
  const fields = Object.entries(definitions).map(([name, definition]) => [
    name,
    "kind" in definition ? Object.freeze({ type: definition }) : definition,
  ]);
  return Object.freeze(Object.fromEntries(fields));
}

/** What the fields of a schema known only at run time can hold. */
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

/** What a value of the type `T` is in a frame; {@link FieldValue} where `T` is known only at run time. */
export type ValueOf<T extends FieldType> = FieldType extends T ? FieldValue
  : T extends Scalar<infer K> ? ScalarValues[K]
  : T extends Texture ? Surface
  : T extends Buffer<infer E> ? NumericArrays[E]
  : T extends ArrayType<infer E> ? ArrayOf<E>
  : T extends Optional<infer I> ? ValueOf<I> | null
  : T extends Enum<infer V> ? V
  : T extends SchemaRef<infer S> ? Frame<S>
  : T extends Struct ? ValuesOf<T["fields"]>
  : never;

/** What an array of the type `E` is in a frame: a typed array where `E` is numeric. */
export type ArrayOf<E extends FieldType> = E extends
  Scalar<infer K extends NumericKind> ? NumericArrays[K]
  : readonly ValueOf<E>[];

/** What some fields are in a frame: an object. */
export type ValuesOf<F extends Fields> = {
  readonly [K in keyof F]: ValueOf<F[K]["type"]>;
};

// ---- a schema refers to types, and a type to a schema ----

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

/** A schema. Made by `schema` or `parseSchema`, which check it; immutable. */
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
