/**
 * The codecs of composed types: arrays, optional values, structs. The fields of
 * a frame are a struct.
 *
 * @module
 */

import type {
  Array as ArrayType,
  Fields,
  NumericKind,
} from "../schema/field_type.ts";
import { extraMisfit, Misfit, valueMisfit, xpcMisfit } from "./misfit.ts";
import {
  isNumericArray,
  isTransferred,
  NUMERIC_ARRAYS,
} from "../schema/numeric_array.ts";
import type { Compiler, TypeCodec } from "./type_codec.ts";
import { isDictionary, type XpcValue } from "./xpc_value.ts";

/** The codec of a value or `null`. An absent value means `null`, on both sides. */
export function optionalCodec(inner: TypeCodec): TypeCodec {
  return {
    check: (value) =>
      value === null || value === undefined ? undefined : inner.check(value),
    encode: (value, writer) =>
      value === null || value === undefined
        ? null
        : inner.encode(value, writer),
    decode: (value, reader) =>
      value === null || value === undefined
        ? null
        : inner.decode(value, reader),
  };
}

/** The codec of an array. Numbers are a typed array. */
export function arrayCodec(
  { element: type, length }: ArrayType,
  compiler: Compiler,
): TypeCodec {
  const element = compiler.type(type);
  const codec = type.kind in NUMERIC_ARRAYS
    ? numericArrayCodec(type.kind as NumericKind, element)
    : listCodec(element);
  return length === undefined ? codec : fixedCodec(length, codec);
}

/** The codec of arrays with exactly `length` values. */
function fixedCodec(length: number, codec: TypeCodec): TypeCodec {
  const misfit = (array: ArrayLike<unknown>): Misfit | undefined =>
    array.length === length
      ? undefined
      : new Misfit("", "", `${length} values`, `${array.length}`);
  return {
    check: (value) => codec.check(value) ?? misfit(value as unknown[]),
    encode: codec.encode,
    // The length is checked first, so that a longer array is not decoded.
    decode: (value, reader) =>
      (Array.isArray(value) ? misfit(value) : undefined) ??
        codec.decode(value, reader),
  };
}

function numericArrayCodec(kind: NumericKind, element: TypeCodec): TypeCodec {
  const TypedArray = NUMERIC_ARRAYS[kind];
  const expected = `${article(TypedArray.name)} ${TypedArray.name}`;
  return {
    // The elements of a typed array always fit.
    check: (value) =>
      isNumericArray(kind, value) && !isTransferred(value)
        ? undefined
        : valueMisfit(expected, value),
    encode: (value, writer) =>
      Array.from(
        value as ArrayLike<number | bigint>,
        (item) => element.encode(item, writer),
      ),
    decode: (value, reader) => {
      if (!Array.isArray(value)) return xpcMisfit("an array", value);
      const numbers: { [index: number]: number | bigint } = new TypedArray(
        value.length,
      );
      for (let i = 0; i < value.length; i++) {
        const item = element.decode(value[i], reader);
        if (item instanceof Misfit) return item.within(`[${i}]`);
        numbers[i] = item as number | bigint;
      }
      return numbers;
    },
  };
}

function article(name: string): string {
  return name.startsWith("I") || name.startsWith("U") ? "an" : "a";
}

function listCodec(element: TypeCodec): TypeCodec {
  return {
    check: (value) => {
      if (!Array.isArray(value)) return valueMisfit("an array", value);
      for (let i = 0; i < value.length; i++) {
        const misfit = element.check(value[i]);
        if (misfit) return misfit.within(`[${i}]`);
      }
      return undefined;
    },
    encode: (value, writer) =>
      (value as unknown[]).map((item) => element.encode(item, writer)),
    decode: (value, reader) => {
      if (!Array.isArray(value)) return xpcMisfit("an array", value);
      const list: unknown[] = [];
      for (let i = 0; i < value.length; i++) {
        const item = element.decode(value[i], reader);
        if (item instanceof Misfit) return item.within(`[${i}]`);
        list.push(item);
      }
      return list;
    },
  };
}

/**
 * The codec of fields by name. An unknown key is a misfit: both sides have
 * confirmed the schema, and a misspelt optional field would otherwise never be
 * noticed.
 */
export function structCodec(fields: Fields, compiler: Compiler): TypeCodec {
  const known: ReadonlySet<string> = new Set(Object.keys(fields));
  const members = Object.entries(fields).map(([name, { type }]) => ({
    name,
    codec: compiler.type(type),
  }));
  return {
    check: (value) => {
      if (!isObject(value)) return valueMisfit("an object", value);
      for (const { name, codec } of members) {
        const misfit = codec.check(value[name]);
        if (misfit) return misfit.within(name);
      }
      for (const key in value) {
        if (!known.has(key) && value[key] !== undefined) {
          return extraMisfit(key);
        }
      }
      return undefined;
    },
    encode: (value, writer) => {
      const dictionary: Record<string, XpcValue> = {};
      for (const { name, codec } of members) {
        dictionary[name] = codec.encode((value as Members)[name], writer);
      }
      return dictionary;
    },
    decode: (value, reader) => {
      if (!isDictionary(value)) return xpcMisfit("a dictionary", value);
      const struct: Record<string, unknown> = {};
      for (const { name, codec } of members) {
        const member = codec.decode(value[name], reader);
        if (member instanceof Misfit) return member.within(name);
        struct[name] = member;
      }
      for (const key in value) {
        if (!known.has(key)) return extraMisfit(key);
      }
      return struct;
    },
  };
}

type Members = { readonly [name: string]: unknown };

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
