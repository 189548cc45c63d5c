/**
 * The checks of composed types: arrays, optional values, structs. The fields of
 * a frame are a struct.
 *
 * @module
 */

import type {
  Array as ArrayType,
  Fields,
  NumericKind,
} from "../../schema/field_type.ts";
import {
  isNumericArray,
  isTransferred,
  NUMERIC_ARRAYS,
} from "../../schema/numeric_array.ts";
import { contradiction, type Members, mirrorsIn } from "../mirrors.ts";
import { extraMisfit, Misfit, valueMisfit } from "../misfit.ts";
import type { Check } from "./check.ts";

/** Makes the check of a value or `null`. An absent value means `null`. */
export function optionalCheck(inner: Check): Check {
  return (value) =>
    value === null || value === undefined ? undefined : inner(value);
}

/** Whether the values of an array are a typed array. */
export function isNumeric({ element }: ArrayType): boolean {
  return element.kind in NUMERIC_ARRAYS;
}

/** Returns a misfit if an array of fixed length does not have that length. */
export function lengthMisfit(
  { length }: ArrayType,
  found: number,
): Misfit | undefined {
  return length === undefined || found === length
    ? undefined
    : new Misfit("", "", `${length} values`, `${found}`);
}

/** Makes the check of an array. */
export function arrayCheck(type: ArrayType, element: Check): Check {
  const check = isNumeric(type)
    ? numericArrayCheck(type.element.kind as NumericKind)
    : listCheck(element);
  return (value) =>
    check(value) ?? lengthMisfit(type, (value as unknown[]).length);
}

/** The elements of a typed array always fit. */
function numericArrayCheck(kind: NumericKind): Check {
  const { name } = NUMERIC_ARRAYS[kind];
  const article = name.startsWith("I") || name.startsWith("U") ? "an" : "a";
  const expected = `${article} ${name}`;
  return (value) =>
    isNumericArray(kind, value) && !isTransferred(value)
      ? undefined
      : valueMisfit(expected, value);
}

function listCheck(element: Check): Check {
  return (value) => {
    if (!Array.isArray(value)) return valueMisfit("an array", value);
    for (let i = 0; i < value.length; i++) {
      const misfit = element(value[i]);
      if (misfit) return misfit.within(`[${i}]`);
    }
    return undefined;
  };
}

/** The check of a field. */
export interface MemberCheck {
  /** The name of the field. */
  readonly name: string;
  /** Checks its values. */
  readonly check: Check;
}

/**
 * Makes the check of fields by name. An unknown key is a misfit: both sides have
 * confirmed the schema, and a misspelt optional field would otherwise never be
 * noticed. A field that contradicts the texture or buffer that it mirrors is one
 * too.
 *
 * @param members every field, also those that later minor versions have added
 */
export function structCheck(
  fields: Fields,
  members: readonly MemberCheck[],
): Check {
  const known: ReadonlySet<string> = new Set(Object.keys(fields));
  const mirrors = mirrorsIn(fields);
  return (value) => {
    if (!isObject(value)) return valueMisfit("an object", value);
    for (const { name, check } of members) {
      const misfit = check(value[name]);
      if (misfit) return misfit.within(name);
    }
    for (const key in value) {
      if (!known.has(key) && value[key] !== undefined) return extraMisfit(key);
    }
    return contradiction(mirrors, value);
  };
}

/** Whether a value can be the values of fields. */
export function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
