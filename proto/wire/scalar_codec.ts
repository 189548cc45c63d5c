/**
 * The codecs of the types without parameters, and of enums.
 *
 * A type that is narrower than its XPC type is checked on both sides. A value
 * out of range is a misfit; it is never wrapped or truncated.
 *
 * @module
 */

import { isTransferred } from "../schema/numeric_array.ts";
import { valueMisfit, xpcMisfit } from "./misfit.ts";
import type { TypeCodec } from "./type_codec.ts";
import { XpcNumber, type XpcNumberType } from "./xpc_value.ts";

/** An integer type: its XPC type and its range. */
interface IntegerType {
  readonly xpc: XpcNumberType;
  /** The bounds in words. */
  readonly range: string;
}

/** The codec of an integer of at most 32 bits, a `number`. `fits` checks its range. */
function narrowInteger(
  { xpc, range }: IntegerType,
  fits: (value: number) => boolean,
): TypeCodec {
  const ours = `an integer ${range}`;
  const theirs = `${xpc} ${range}`;
  return {
    check: (value) =>
      typeof value === "number" && fits(value)
        ? undefined
        : valueMisfit(ours, value),
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
function wideInteger(
  { xpc, range }: IntegerType,
  fits: (value: bigint) => boolean,
): TypeCodec {
  const ours = `a bigint ${range}`;
  return {
    check: (value) =>
      typeof value === "bigint" && fits(value)
        ? undefined
        : valueMisfit(ours, value),
    encode: (value) => new XpcNumber(xpc, value as bigint),
    decode: (value) =>
      value instanceof XpcNumber && value.type === xpc
        ? value.value
        : xpcMisfit(xpc, value),
  };
}

/** A signed integer of 32 bits. */
export const INT32: TypeCodec = narrowInteger(
  { xpc: "int64", range: "from -2147483648 to 2147483647" },
  (value) => (value | 0) === value,
);

/** An unsigned integer of 32 bits. */
export const UINT32: TypeCodec = narrowInteger(
  { xpc: "uint64", range: "from 0 to 4294967295" },
  (value) => (value >>> 0) === value,
);

/** A signed integer of 64 bits. */
export const INT64: TypeCodec = wideInteger(
  { xpc: "int64", range: "from -2^63 to 2^63 - 1" },
  (value) => BigInt.asIntN(64, value) === value,
);

/** An unsigned integer of 64 bits. */
export const UINT64: TypeCodec = wideInteger(
  { xpc: "uint64", range: "from 0 to 2^64 - 1" },
  (value) => BigInt.asUintN(64, value) === value,
);

/** Whether a finite `value` is still finite when rounded to 32 bits. */
function fitsFloat32(value: number): boolean {
  return Number.isFinite(Math.fround(value)) || !Number.isFinite(value);
}

/** The codec of a 32-bit float. Rounds to the nearest on both sides; a finite number that would become infinite does not fit. */
export const FLOAT32: TypeCodec = {
  check: (value) =>
    typeof value === "number" && fitsFloat32(value)
      ? undefined
      : valueMisfit("a number in the range of a 32-bit float", value),
  encode: (value) => new XpcNumber("double", Math.fround(value as number)),
  decode: (value) =>
    value instanceof XpcNumber && value.type === "double" &&
      fitsFloat32(value.value as number)
      ? Math.fround(value.value as number)
      : xpcMisfit("double in the range of a 32-bit float", value),
};

/** A float of 64 bits. */
export const FLOAT64: TypeCodec = {
  check: (value) =>
    typeof value === "number" ? undefined : valueMisfit("a number", value),
  encode: (value) => new XpcNumber("double", value as number),
  decode: (value) =>
    value instanceof XpcNumber && value.type === "double"
      ? value.value
      : xpcMisfit("double", value),
};

/** True or false. */
export const BOOL: TypeCodec = {
  check: (value) =>
    typeof value === "boolean"
      ? undefined
      : valueMisfit("true or false", value),
  encode: (value) => value as boolean,
  decode: (value) =>
    typeof value === "boolean" ? value : xpcMisfit("bool", value),
};

/** The codec of text. XPC strings are UTF-8 and end at U+0000, so text with U+0000 or a lone surrogate does not fit. */
export const STRING: TypeCodec = {
  check: (value) =>
    typeof value === "string" && value.isWellFormed() && !value.includes("\0")
      ? undefined
      : valueMisfit("a string without U+0000 or lone surrogates", value),
  encode: (value) => value as string,
  decode: (value) =>
    typeof value === "string" ? value : xpcMisfit("string", value),
};

/** The codec of bytes. They are not copied here, but when the message is packed. */
export const BYTES: TypeCodec = {
  check: (value) =>
    value instanceof Uint8Array && !isTransferred(value)
      ? undefined
      : valueMisfit("a Uint8Array", value),
  encode: (value) => value as Uint8Array,
  decode: (value) =>
    value instanceof Uint8Array ? value : xpcMisfit("data", value),
};

/** One of `variants`, by name. */
export function enumCodec(variants: readonly string[]): TypeCodec {
  const known: ReadonlySet<unknown> = new Set(variants);
  const names = variants.map((variant) => JSON.stringify(variant)).join(", ");
  const expected = `one of ${names}`;
  return {
    check: (value) =>
      known.has(value) ? undefined : valueMisfit(expected, value),
    encode: (value) => value as string,
    decode: (value) =>
      known.has(value) ? value : xpcMisfit(`string, ${expected}`, value),
  };
}
