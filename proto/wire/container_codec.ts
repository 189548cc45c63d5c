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
import { NUMERIC_ARRAYS } from "../schema/numeric_array.ts";
import {
  arrayCheck,
  isNumeric,
  lengthMisfit,
  optionalCheck,
  structCheck,
} from "./checks/container_check.ts";
import { contradiction, type Members, mirrorsIn } from "./mirrors.ts";
import { extraMisfit, Misfit, xpcMisfit } from "./misfit.ts";
import type { Compiler } from "./compiler.ts";
import type { TypeCodec } from "./type_codec.ts";
import { isDictionary, type XpcValue } from "./xpc_value.ts";

/** The codec of a value or `null`. An absent value means `null`, on both sides. */
export function optionalCodec(inner: TypeCodec): TypeCodec {
  return {
    check: optionalCheck(inner.check),
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

type Coding = Pick<TypeCodec, "encode" | "decode">;

/** The codec of an array. Numbers are a typed array. */
export function arrayCodec(
  type: ArrayType,
  compiler: Compiler<TypeCodec>,
): TypeCodec {
  const element = compiler.type(type.element);
  const coding = isNumeric(type)
    ? numericArrayCoding(type.element.kind as NumericKind, element)
    : listCoding(element);
  return {
    check: arrayCheck(type, element.check),
    encode: coding.encode,
    // The length is checked first, so that a longer array is not decoded.
    decode: (value, reader) =>
      (Array.isArray(value) ? lengthMisfit(type, value.length) : undefined) ??
        coding.decode(value, reader),
  };
}

function numericArrayCoding(kind: NumericKind, element: TypeCodec): Coding {
  const TypedArray = NUMERIC_ARRAYS[kind];
  return {
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

function listCoding(element: TypeCodec): Coding {
  return {
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
 * The codec of fields by name, as strict on both sides: see {@link structCheck}.
 * What a later minor version has added than both sides have is not sent, and
 * received as `null`.
 */
export function structCodec(
  fields: Fields,
  compiler: Compiler<TypeCodec>,
): TypeCodec {
  const all = Object.entries(fields).map(([name, { type, since = 0 }]) => ({
    name,
    codec: compiler.type(type),
    isLater: since > compiler.minor,
  }));
  const known: ReadonlySet<string> = new Set(Object.keys(fields));
  const members = all.filter(({ isLater }) => !isLater);
  const later = all.filter(({ isLater }) => isLater);
  const mirrors = mirrorsIn(fields);
  return {
    check: structCheck(
      fields,
      all.map(({ name, codec: { check } }) => ({ name, check })),
    ),
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
      for (const { name } of later) {
        if (value[name] !== undefined) return extraMisfit(name);
        struct[name] = null;
      }
      for (const key in value) {
        if (!known.has(key)) return extraMisfit(key);
      }
      return contradiction(mirrors, struct) ?? struct;
    },
  };
}
