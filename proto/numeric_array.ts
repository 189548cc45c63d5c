/**
 * The typed array of each numeric type.
 *
 * @module
 */

import type { NumericArrays, NumericKind } from "./field_type.ts";

/** The class of the typed array of each numeric type. */
export const NUMERIC_ARRAYS: {
  readonly [K in NumericKind]: new (length: number) => NumericArrays[K];
} = Object.freeze({
  Int32: Int32Array,
  Int64: BigInt64Array,
  UInt32: Uint32Array,
  UInt64: BigUint64Array,
  Float32: Float32Array,
  Float64: Float64Array,
});

/** Whether `value` is the typed array of `kind`. */
export function isNumericArray<K extends NumericKind>(
  kind: K,
  value: unknown,
): value is NumericArrays[K] {
  return value instanceof NUMERIC_ARRAYS[kind];
}
