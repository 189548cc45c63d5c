/**
 * The typed array of each numeric type.
 *
 * @module
 */

import type { NumericArrays, NumericKind } from "./field_type.ts";

/** The constructor of a typed array. */
export interface NumericArrayClass<A> {
  /** Makes an array with new memory, or a view of existing memory. */
  new (length: number): A;
  new (memory: ArrayBuffer, byteOffset: number, length: number): A;
  /** The size of one element, in bytes. */
  readonly BYTES_PER_ELEMENT: number;
}

/** The constructor of the typed array of each numeric type. */
export const NUMERIC_ARRAYS: {
  readonly [K in NumericKind]: NumericArrayClass<NumericArrays[K]>;
} = Object.freeze({
  Int32: Int32Array,
  Int64: BigInt64Array,
  UInt32: Uint32Array,
  UInt64: BigUint64Array,
  Float32: Float32Array,
  Float64: Float64Array,
});

/** Whether `value` is a typed array of `kind`. */
export function isNumericArray<K extends NumericKind>(
  kind: K,
  value: unknown,
): value is NumericArrays[K] {
  return value instanceof NUMERIC_ARRAYS[kind];
}

/** Whether the memory of a view was transferred to another owner: nothing can be read from it. */
export function isTransferred({ buffer }: ArrayBufferView): boolean {
  return buffer instanceof ArrayBuffer && buffer.detached;
}
