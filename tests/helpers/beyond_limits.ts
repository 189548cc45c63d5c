/**
 * Frames of the schema `Everything`, each with one field that does not fit it.
 */

import type { Content } from "./arbitrary_frames.ts";

/** A frame that fits. The frames that do not fit are made from it. */
export const GOOD: Content = {
  number: 0,
  int32: 0,
  int64: 0n,
  uint32: 0,
  uint64: 0n,
  float32: 0,
  float64: 0,
  bool: false,
  string: "",
  bytes: new Uint8Array(),
  enumeration: "on",
  texture: { width: 1, height: 1, pixel_format: "rgba8", seed: 0 },
  gray: { width: 1, height: 1, pixel_format: "gray8", seed: 0 },
  buffer_int32: new Int32Array(),
  buffer_int64: new BigInt64Array(),
  buffer_uint32: new Uint32Array(),
  buffer_uint64: new BigUint64Array(),
  buffer_float32: new Float32Array(),
  buffer_float64: new Float64Array(),
  buffer_int8: new Int8Array(),
  buffer_uint8: new Uint8Array(),
  buffer_int16: new Int16Array(),
  buffer_uint16: new Uint16Array(),
  buffer_float16: new Float16Array(),
  array_int32: new Int32Array(),
  array_int64: new BigInt64Array(),
  array_uint32: new Uint32Array(),
  array_uint64: new BigUint64Array(),
  array_float32: new Float32Array(),
  array_float64: new Float64Array(),
  array_bool: [],
  array_string: [],
  array_bytes: [],
  array_enum: [],
  array_optional: [],
  array_fixed: new Float64Array(3),
  matrix: [],
  optional: null,
  optional_array: null,
  struct: { flag: true, inner: { deep: 0n, list: [] } },
  ref: { x: 0, y: 0, tag: null },
  refs: [],
  optional_texture: null,
  tiles: [],
  sounds: [],
  stereo: { left: new BigInt64Array(), right: null },
};

/** The error text for a value that is no Int32. */
const INT32 = "an integer from -2147483648 to 2147483647";
const UINT32 = "an integer from 0 to 4294967295";
const INT64 = "a bigint from -2^63 to 2^63 - 1";
const UINT64 = "a bigint from 0 to 2^64 - 1";
const FLOAT32 = "a number in the range of a 32-bit float";
const TEXT = "a string without U+0000 or lone surrogates";
const SIZE = "a texture's {width, height, pixel_format}, " +
  "sides from 1 to 32768, at most 1073741824 bytes";

/** Fields that do not fit, each with its error text. */
export const BEYOND: readonly [fields: Content, said: string][] = [
  [{ int32: 2 ** 31 }, `int32: expected ${INT32}, got 2147483648`],
  [{ int32: -(2 ** 31) - 1 }, `int32: expected ${INT32}, got -2147483649`],
  [{ int32: 1.5 }, `int32: expected ${INT32}, got 1.5`],
  [{ int32: NaN }, `int32: expected ${INT32}, got NaN`],
  [{ int32: Infinity }, `int32: expected ${INT32}, got Infinity`],
  [{ int32: 1n }, `int32: expected ${INT32}, got 1n`],
  [{ int32: "1" }, `int32: expected ${INT32}, got "1"`],
  [{ int32: null }, `int32: expected ${INT32}, got null`],
  [{ int32: undefined }, "needs int32, which the template does not have"],
  [{ uint32: -1 }, `uint32: expected ${UINT32}, got -1`],
  [{ uint32: 2 ** 32 }, `uint32: expected ${UINT32}, got 4294967296`],
  [{ uint32: 0.5 }, `uint32: expected ${UINT32}, got 0.5`],
  [{ int64: 2n ** 63n }, `int64: expected ${INT64}, got ${2n ** 63n}n`],
  [
    { int64: -(2n ** 63n) - 1n },
    `int64: expected ${INT64}, got ${-(2n ** 63n) - 1n}n`,
  ],
  [{ int64: 1 }, `int64: expected ${INT64}, got 1`],
  [{ uint64: -1n }, `uint64: expected ${UINT64}, got -1n`],
  [{ uint64: 2n ** 64n }, `uint64: expected ${UINT64}, got ${2n ** 64n}n`],
  [{ float32: 1e39 }, `float32: expected ${FLOAT32}, got 1e+39`],
  [{ float32: "0" }, `float32: expected ${FLOAT32}, got "0"`],
  [{ float64: 1n }, "float64: expected a number, got 1n"],
  [{ bool: 1 }, "bool: expected true or false, got 1"],
  [{ string: "a\0b" }, `string: expected ${TEXT}, got "a\\u0000b"`],
  [{ string: "\ud800" }, `string: expected ${TEXT}, got "\\ud800"`],
  [{ string: 7 }, `string: expected ${TEXT}, got 7`],
  [{ bytes: [1, 2] }, "bytes: expected a Uint8Array, got an array of 2"],
  [
    { bytes: new Int32Array(2) },
    "bytes: expected a Uint8Array, got a Int32Array of 8 bytes",
  ],
  [
    { enumeration: "On" },
    `enumeration: expected one of "on", "off", "ünknown ⚡", got "On"`,
  ],
  [
    { array_int32: [1, 2] },
    "array_int32: expected an Int32Array, got an array of 2",
  ],
  [
    { array_float32: new Float64Array(1) },
    "array_float32: expected a Float32Array, got a Float64Array of 8 bytes",
  ],
  [
    { array_bool: [true, 0] },
    "array_bool[1]: expected true or false, got 0",
  ],
  [
    { array_string: ["a", "\udfff"] },
    `array_string[1]: expected ${TEXT}, got "\\udfff"`,
  ],
  [
    { array_optional: [1n, null, 2n ** 63n] },
    `array_optional[2]: expected ${INT64}, got ${2n ** 63n}n`,
  ],
  [
    { array_fixed: new Float64Array(2) },
    "array_fixed: expected 3 values, got 2",
  ],
  [
    { matrix: [new BigUint64Array(1), [1n]] },
    "matrix[1]: expected a BigUint64Array, got an array of 1",
  ],
  [{ optional: 2 ** 31 }, `optional: expected ${INT32}, got 2147483648`],
  [{ optional: false }, `optional: expected ${INT32}, got false`],
  [
    { struct: { flag: true, inner: { deep: 1, list: [] } } },
    `struct.inner.deep: expected ${INT64}, got 1`,
  ],
  [
    { struct: { flag: true } },
    "struct.inner: expected an object, got nothing",
  ],
  [
    { struct: { flag: true, inner: { deep: 1n, list: [], more: 1 } } },
    "struct.inner: expected no other fields, got the field 'more'",
  ],
  [{ ref: [] }, "ref: expected an object, got an array of 0"],
  [
    { refs: [{ x: 0, y: 0, tag: null }, { x: 1e39, y: 0, tag: null }] },
    `refs[1].x: expected ${FLOAT32}, got 1e+39`,
  ],
  [{ sixth: 1 }, "expected no other fields, got the field 'sixth'"],
  [
    { texture: null },
    `texture: expected ${SIZE}, got null`,
  ],
  [
    { gray: { width: 1, height: 1, pixel_format: "rgba8" } },
    `gray: expected ${SIZE}, the format "gray8", got {width: 1, height: 1, pixel_format: "rgba8"}`,
  ],
  [
    {
      tiles: [{ x: 1, image: { width: 0, height: 1, pixel_format: "rgba8" } }],
    },
    `tiles[0].image: expected ${SIZE}, got {width: 0, height: 1, pixel_format: "rgba8"}`,
  ],
  [
    { sounds: [null, { length: -1 }] },
    "sounds[1]: expected a buffer's {length}, an integer from 0 to 268435456, got {length: -1}",
  ],
  [
    { stereo: { left: undefined, right: null } },
    "stereo.left: expected a buffer's {length}, an integer from 0 to 134217728, got nothing",
  ],
];
