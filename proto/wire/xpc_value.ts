/**
 * The values of XPC dictionaries in TypeScript.
 *
 * | XPC type | here |
 * |---|---|
 * | null | `null` |
 * | bool | `boolean` |
 * | string | `string` |
 * | data | `Uint8Array` |
 * | int64, uint64, double | {@link XpcNumber}: XPC distinguishes the three, a JavaScript number cannot |
 * | array | `XpcValue[]` |
 * | dictionary | {@link XpcDictionary}, a plain object |
 * | endpoint, shmem, descriptor, surface | {@link Capability}: a right that only the kernel can copy |
 *
 * Pure data: the number in a capability is a handle of `ffi/`.
 *
 * @module
 */

/** The three numeric types of XPC. */
export type XpcNumberType = "int64" | "uint64" | "double";

/** A number with its XPC type. Immutable. */
export class XpcNumber {
  /** @param type the XPC type
   * @param value `bigint` for the integer types, `number` for `double` */
  /** Holds a number as it is sent. Use {@link int64}, {@link uint64} or {@link double}. */
  constructor(
    readonly type: XpcNumberType,
    readonly value: bigint | number,
  ) {}

  /** Returns the value as a number. Integers above 2^53 lose precision: use {@link value} for those. */
  toNumber(): number {
    return Number(this.value);
  }
}

/** Makes a signed 64-bit integer. Throws a RangeError if `value` does not fit. */
export function int64(value: bigint | number): XpcNumber {
  const wide = BigInt(value);
  if (BigInt.asIntN(64, wide) !== wide) {
    throw new RangeError(`Cannot make an int64: ${wide} does not fit`);
  }
  return new XpcNumber("int64", wide);
}

/** Makes an unsigned 64-bit integer. Throws a RangeError if `value` does not fit. */
export function uint64(value: bigint | number): XpcNumber {
  const wide = BigInt(value);
  if (BigInt.asUintN(64, wide) !== wide) {
    throw new RangeError(`Cannot make a uint64: ${wide} does not fit`);
  }
  return new XpcNumber("uint64", wide);
}

/** Makes a 64-bit float. */
export function double(value: number): XpcNumber {
  return new XpcNumber("double", value);
}

/** The kind of object that a capability gives access to. */
export type CapabilityKind = "endpoint" | "shmem" | "fd" | "surface";

/**
 * A capability in a message: an endpoint, a region of shared memory, a
 * descriptor or a surface. `handle` names the native object in this process.
 * Sending a capability copies it; the sender keeps its own. A received one
 * belongs to its message until it is taken out.
 */
export class Capability {
  /** @param kind the kind of object
   * @param handle the native object, see `ffi/handle.ts` */
  /** Names the native object of a handle, which stays its owner's. */
  constructor(readonly kind: CapabilityKind, readonly handle: number) {}
}

/** Any value in an XPC message. */
export type XpcValue =
  | null
  | boolean
  | string
  | Uint8Array
  | XpcNumber
  | Capability
  | readonly XpcValue[]
  | XpcDictionary;

/** A message, or a dictionary in one. A key with the value undefined is not sent. */
export interface XpcDictionary {
  /** A value; a key with `undefined` is left out. */
  readonly [key: string]: XpcValue | undefined;
}

/** Whether `value` is a dictionary. */
export function isDictionary(
  value: XpcValue | undefined,
): value is XpcDictionary {
  return typeof value === "object" && value !== null &&
    !Array.isArray(value) && !(value instanceof Uint8Array) &&
    !(value instanceof XpcNumber) && !(value instanceof Capability);
}

/** Returns the string at `key`, or undefined if it is absent or of another type. */
export function getString(
  message: XpcDictionary,
  key: string,
): string | undefined {
  const value = message[key];
  return typeof value === "string" ? value : undefined;
}

/** Returns the number at `key`, a `number` for doubles, else a `bigint`. Undefined if it is absent or not exactly of `type`. */
export function getNumber(
  message: XpcDictionary,
  key: string,
  type: "double",
): number | undefined;
export function getNumber(
  message: XpcDictionary,
  key: string,
  type: "int64" | "uint64",
): bigint | undefined;
export function getNumber(
  message: XpcDictionary,
  key: string,
  type: XpcNumberType,
): bigint | number | undefined {
  const value = message[key];
  return value instanceof XpcNumber && value.type === type
    ? value.value
    : undefined;
}

/** An unsigned 64-bit number that names something. It is a `bigint` only if a `number` cannot hold it: this library makes none of these, another program may. */
export type Id = number | bigint;

/** Returns the id of an unsigned 64-bit integer. Two ids are equal by `===` if the integers are. */
export function idOf(value: bigint): Id {
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

/** Returns the id at `key`, or undefined if it is absent or not exactly a uint64. */
export function getId(message: XpcDictionary, key: string): Id | undefined {
  const value = getNumber(message, key, "uint64");
  return value === undefined ? undefined : idOf(value);
}

/** Returns the bytes at `key`, or undefined if they are absent or of another type. */
export function getData(
  message: XpcDictionary,
  key: string,
): Uint8Array | undefined {
  const value = message[key];
  return value instanceof Uint8Array ? value : undefined;
}

/** Returns the dictionary at `key`, or undefined if it is absent or of another type. */
export function getDictionary(
  message: XpcDictionary,
  key: string,
): XpcDictionary | undefined {
  const value = message[key];
  return isDictionary(value) ? value : undefined;
}

/** Returns the capability at `key`, or undefined if it is absent or of another kind. The message still owns it. */
export function getCapability(
  message: XpcDictionary,
  key: string,
  kind: CapabilityKind,
): Capability | undefined {
  const value = message[key];
  return value instanceof Capability && value.kind === kind ? value : undefined;
}
