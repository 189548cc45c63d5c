/**
 * The typed array of each numeric type.
 *
 * @module
 */

import type { ElementArrays, ElementKind } from "./field_type.ts";

/** The constructor of a typed array. */
export interface NumericArrayClass<A> {
  /** Makes an array with new memory, or a view of existing memory. */
  new (length: number): A;
  new (memory: ArrayBuffer, byteOffset: number, length: number): A;
  /** The size of one element, in bytes. */
  readonly BYTES_PER_ELEMENT: number;
}

/** The constructor of the typed array of each numeric type, also of those that only buffers have. */
export const NUMERIC_ARRAYS: {
  readonly [K in ElementKind]: NumericArrayClass<ElementArrays[K]>;
} = Object.freeze({
  Int32: Int32Array,
  Int64: BigInt64Array,
  UInt32: Uint32Array,
  UInt64: BigUint64Array,
  Float32: Float32Array,
  Float64: Float64Array,
  Int8: Int8Array,
  UInt8: Uint8Array,
  Int16: Int16Array,
  UInt16: Uint16Array,
  Float16: Float16Array,
});

/** Whether `value` is a typed array of `kind`. */
export function isNumericArray<K extends ElementKind>(
  kind: K,
  value: unknown,
): value is ElementArrays[K] {
  return value instanceof NUMERIC_ARRAYS[kind];
}

/** Whether the memory of a view was transferred to another owner: nothing can be read from it. */
export function isTransferred(view: ArrayBufferView): boolean {
  // To ask a small view for its memory is slow the first time: the engine then moves it out of the heap.
  if (view.byteLength > 0) return false;
  const { buffer } = view;
  return buffer instanceof ArrayBuffer && buffer.detached;
}
