/**
 * The codecs of the types without parameters, and of enums.
 *
 * A type that is narrower than its XPC type is checked on both sides. A value
 * out of range is a misfit; it is never wrapped or truncated.
 *
 * @module
 */

import type { Enum } from "../schema/field_type.ts";
import { variantsAt } from "../schema/minor.ts";
import type { AgreedTerms, Check } from "./checks/check.ts";
import * as checks from "./checks/scalar_check.ts";
import { xpcMisfit } from "./misfit.ts";
import type { TypeCodec } from "./type_codec.ts";
import { XpcNumber, type XpcNumberType } from "./xpc_value.ts";

/** The codec of an integer of at most 32 bits, a `number`. `fits` checks its range, which is `range` in words. */
function narrowInteger(
  xpc: XpcNumberType,
  range: string,
  check: Check,
  fits: (value: number) => boolean,
): TypeCodec {
  const theirs = `${xpc} ${range}`;
  return {
    check,
    encode: (value) => new XpcNumber(xpc, BigInt(value as number)),
    decode: (value) => {
      if (!(value instanceof XpcNumber) || value.type !== xpc) {
        return xpcMisfit(theirs, value);
      }
      // A wider integer is rounded here, and stays out of range.
      const narrow = Number(value.value);
      return fits(narrow) ? narrow : xpcMisfit(theirs, value);
    },
  };
}

/** The codec of a 64-bit integer, a `bigint`. */
function wideInteger(xpc: XpcNumberType, check: Check): TypeCodec {
  return {
    check,
    encode: (value) => new XpcNumber(xpc, value as bigint),
    decode: (value) =>
      value instanceof XpcNumber && value.type === xpc
        ? value.value
        : xpcMisfit(xpc, value),
  };
}

/** A signed integer of 32 bits. */
export const INT32: TypeCodec = narrowInteger(
  "int64",
  checks.rangeText(checks.INTEGER_WORDS.Int32),
  checks.checkInt32,
  checks.isInt32,
);

/** An unsigned integer of 32 bits. */
export const UINT32: TypeCodec = narrowInteger(
  "uint64",
  checks.rangeText(checks.INTEGER_WORDS.UInt32),
  checks.checkUint32,
  checks.isUint32,
);

/** A signed integer of 64 bits. */
export const INT64: TypeCodec = wideInteger("int64", checks.checkInt64);

/** An unsigned integer of 64 bits. */
export const UINT64: TypeCodec = wideInteger("uint64", checks.checkUint64);

/** The codec of a 32-bit float. Rounds to the nearest on both sides; a finite number that would become infinite does not fit. */
export const FLOAT32: TypeCodec = {
  check: checks.checkFloat32,
  encode: (value) => new XpcNumber("double", Math.fround(value as number)),
  decode: (value) =>
    value instanceof XpcNumber && value.type === "double" &&
      checks.fitsFloat32(value.value as number)
      ? Math.fround(value.value as number)
      : xpcMisfit("double in the range of a 32-bit float", value),
};

/** A float of 64 bits. */
export const FLOAT64: TypeCodec = {
  check: checks.checkFloat64,
  encode: (value) => new XpcNumber("double", value as number),
  decode: (value) =>
    value instanceof XpcNumber && value.type === "double"
      ? value.value
      : xpcMisfit("double", value),
};

/** True or false. */
export const BOOL: TypeCodec = {
  check: checks.checkBool,
  encode: (value) => value as boolean,
  decode: (value) =>
    typeof value === "boolean" ? value : xpcMisfit("bool", value),
};

/** The codec of text. */
export const STRING: TypeCodec = {
  check: checks.checkString,
  encode: (value) => value as string,
  decode: (value) =>
    typeof value === "string" ? value : xpcMisfit("string", value),
};

/** The codec of bytes. They are not copied here, but when the message is packed. */
export const BYTES: TypeCodec = {
  check: checks.checkBytes,
  encode: (value) => value as Uint8Array,
  decode: (value) =>
    value instanceof Uint8Array ? value : xpcMisfit("data", value),
};

/** The codec of one of some names. A name that the other side's version does not have yet does not fit. */
export function enumCodec(type: Enum, terms: AgreedTerms): TypeCodec {
  const variants = variantsAt(type, terms.minor);
  const known: ReadonlySet<unknown> = new Set(variants);
  const expected = `string, ${checks.variantWords(variants)}`;
  return {
    check: checks.enumCheck(type, terms),
    encode: (value) => value as string,
    decode: (value) => known.has(value) ? value : xpcMisfit(expected, value),
  };
}
