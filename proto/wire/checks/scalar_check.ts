/**
 * The checks of the types without parameters, and of enums. A value out of range
 * is a misfit; it is never wrapped or truncated.
 *
 * Each is a function of its own, so that the engine can compile it into the code
 * that calls it.
 *
 * @module
 */

import type { Enum } from "../../schema/field_type.ts";
import { variantsAt } from "../../schema/minor.ts";
import { isTransferred } from "../../schema/numeric_array.ts";
import { Misfit, valueMisfit } from "../misfit.ts";
import type { AgreedTerms, Check } from "./check.ts";

/** The integers of a type in words. */
export interface IntegerWords {
  /** What they are. */
  readonly what: string;
  readonly least: string;
  readonly most: string;
}

/** The integers of each type in words. */
export const INTEGER_WORDS = {
  Int32: { what: "an integer", least: "-2147483648", most: "2147483647" },
  UInt32: { what: "an integer", least: "0", most: "4294967295" },
  Int64: { what: "a bigint", least: "-2^63", most: "2^63 - 1" },
  UInt64: { what: "a bigint", least: "0", most: "2^64 - 1" },
} as const satisfies Readonly<Record<string, IntegerWords>>;

/** Returns the range of integers in words. */
export function rangeText({ least, most }: Omit<IntegerWords, "what">): string {
  return `from ${least} to ${most}`;
}

function integerMisfit(words: IntegerWords, value: unknown): Misfit {
  return valueMisfit(`${words.what} ${rangeText(words)}`, value);
}

/** Whether a number is a signed integer of 32 bits. */
export function isInt32(value: number): boolean {
  return (value | 0) === value;
}

/** Whether a number is an unsigned integer of 32 bits. */
export function isUint32(value: number): boolean {
  return (value >>> 0) === value;
}

/** Whether a number is still finite, if it is, when rounded to 32 bits. */
export function fitsFloat32(value: number): boolean {
  return Number.isFinite(Math.fround(value)) || !Number.isFinite(value);
}

/** Checks a signed integer of 32 bits, a `number`. */
export function checkInt32(value: unknown): Misfit | undefined {
  return typeof value === "number" && isInt32(value)
    ? undefined
    : integerMisfit(INTEGER_WORDS.Int32, value);
}

/** Checks an unsigned integer of 32 bits, a `number`. */
export function checkUint32(value: unknown): Misfit | undefined {
  return typeof value === "number" && isUint32(value)
    ? undefined
    : integerMisfit(INTEGER_WORDS.UInt32, value);
}

/** Checks a signed integer of 64 bits, a `bigint`. */
export function checkInt64(value: unknown): Misfit | undefined {
  return typeof value === "bigint" && BigInt.asIntN(64, value) === value
    ? undefined
    : integerMisfit(INTEGER_WORDS.Int64, value);
}

/** Checks an unsigned integer of 64 bits, a `bigint`. */
export function checkUint64(value: unknown): Misfit | undefined {
  return typeof value === "bigint" && BigInt.asUintN(64, value) === value
    ? undefined
    : integerMisfit(INTEGER_WORDS.UInt64, value);
}

/** Checks a 32-bit float. It is rounded to the nearest; a finite number that would become infinite does not fit. */
export function checkFloat32(value: unknown): Misfit | undefined {
  return typeof value === "number" && fitsFloat32(value)
    ? undefined
    : valueMisfit("a number in the range of a 32-bit float", value);
}

/** Checks a 64-bit float. */
export function checkFloat64(value: unknown): Misfit | undefined {
  return typeof value === "number" ? undefined : valueMisfit("a number", value);
}

/** Checks true or false. */
export function checkBool(value: unknown): Misfit | undefined {
  return typeof value === "boolean"
    ? undefined
    : valueMisfit("true or false", value);
}

/** What a text is, in words. XPC strings are UTF-8 and end at U+0000. */
export const TEXT_WORDS = "a string without U+0000 or lone surrogates";

/** Checks text. */
export function checkString(value: unknown): Misfit | undefined {
  return typeof value === "string" && value.isWellFormed() &&
      !value.includes("\0")
    ? undefined
    : valueMisfit(TEXT_WORDS, value);
}

/** Checks bytes. */
export function checkBytes(value: unknown): Misfit | undefined {
  return value instanceof Uint8Array && !isTransferred(value)
    ? undefined
    : valueMisfit("a Uint8Array", value);
}

/** Returns the names of variants in words. */
export function variantWords(variants: readonly string[]): string {
  const names = variants.map((variant) => JSON.stringify(variant)).join(", ");
  return `one of ${names}`;
}

/** Makes the check of one of some names. A name that the other side's version does not have yet does not fit. */
export function enumCheck(
  type: Enum,
  { version, minor }: AgreedTerms,
): Check {
  const variants = variantsAt(type, minor);
  const known: ReadonlySet<unknown> = new Set(variants);
  const expected = variantWords(variants);
  const later: readonly unknown[] = type.variants;
  return (value) => {
    if (known.has(value)) return undefined;
    const misfit = valueMisfit(expected, value);
    return later.includes(value)
      ? new Misfit(
        "",
        "",
        expected,
        `${misfit.got}: ${version}, which has no ${value}`,
      )
      : misfit;
  };
}
