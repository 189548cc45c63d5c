/**
 * The values that an XPC dictionary can hold, as TypeScript sees them.
 *
 * | XPC type | here |
 * |---|---|
 * | null | `null` |
 * | bool | `boolean` |
 * | string | `string` |
 * | data | `Uint8Array` |
 * | int64, uint64, double | {@link XpcNumber}: XPC keeps the three apart, a JavaScript number cannot |
 * | array | `XpcValue[]` |
 * | dictionary | {@link XpcDictionary}, a plain object |
 * | endpoint, shmem, descriptor, surface | {@link Capability}: a right that only the kernel can copy |
 *
 * Pure data: a capability is a number that `ffi/` gives a meaning.
 *
 * @module
 */

/** The three numeric types of XPC. */
export type XpcNumberType = "int64" | "uint64" | "double";

/** A number together with the XPC type it travels as. Immutable. */
export class XpcNumber {
  /** @param type which XPC type it is
   * @param value `bigint` for the integer types, `number` for `double` */
  constructor(
    readonly type: XpcNumberType,
    readonly value: bigint | number,
  ) {}

  /** The value as a number. Integers past 2^53 lose precision: use {@link value} for those. */
  toNumber(): number {
    return Number(this.value);
  }
}

/** A signed 64-bit integer. Throws a RangeError when `value` does not fit. */
export function int64(value: bigint | number): XpcNumber {
  const wide = BigInt(value);
  if (BigInt.asIntN(64, wide) !== wide) {
    throw new RangeError(`Cannot make an int64: ${wide} does not fit`);
  }
  return new XpcNumber("int64", wide);
}

/** An unsigned 64-bit integer. Throws a RangeError when `value` does not fit. */
export function uint64(value: bigint | number): XpcNumber {
  const wide = BigInt(value);
  if (BigInt.asUintN(64, wide) !== wide) {
    throw new RangeError(`Cannot make a uint64: ${wide} does not fit`);
  }
  return new XpcNumber("uint64", wide);
}

/** A 64-bit float. */
export function double(value: number): XpcNumber {
  return new XpcNumber("double", value);
}

/** What a capability gives access to. */
export type CapabilityKind = "endpoint" | "shmem" | "fd" | "surface";

/**
 * A right in a message: an endpoint, a shared memory region, a descriptor or a
 * surface. `handle` names the native object of this process. Sending one
 * copies the right and leaves the sender's own untouched; a received one
 * belongs to the message until it is taken out of it.
 */
export class Capability {
  /** @param kind what it gives access to
   * @param handle the native object, see `ffi/handle.ts` */
  constructor(readonly kind: CapabilityKind, readonly handle: number) {}
}

/** Anything that an XPC message can carry. */
export type XpcValue =
  | null
  | boolean
  | string
  | Uint8Array
  | XpcNumber
  | Capability
  | readonly XpcValue[]
  | XpcDictionary;

/** A message, or a dictionary inside one. A key whose value is `undefined` is left out when sent. */
export interface XpcDictionary {
  readonly [key: string]: XpcValue | undefined;
}

/** Whether `value` is a dictionary, and not one of the classes above. */
export function isDictionary(
  value: XpcValue | undefined,
): value is XpcDictionary {
  return typeof value === "object" && value !== null &&
    !Array.isArray(value) && !(value instanceof Uint8Array) &&
    !(value instanceof XpcNumber) && !(value instanceof Capability);
}

/** The string under `key`, or `undefined` when it is absent or of another type. */
export function getString(
  message: XpcDictionary,
  key: string,
): string | undefined {
  const value = message[key];
  return typeof value === "string" ? value : undefined;
}

/** The number under `key` when it is exactly of `type`, as a `bigint` or `number`; else `undefined`. */
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

/** The bytes under `key`, or `undefined` when it is absent or of another type. */
export function getData(
  message: XpcDictionary,
  key: string,
): Uint8Array | undefined {
  const value = message[key];
  return value instanceof Uint8Array ? value : undefined;
}

/** The dictionary under `key`, or `undefined` when it is absent or of another type. */
export function getDictionary(
  message: XpcDictionary,
  key: string,
): XpcDictionary | undefined {
  const value = message[key];
  return isDictionary(value) ? value : undefined;
}

/** The capability of `kind` under `key`, still owned by the message; `undefined` when absent or another. */
export function getCapability(
  message: XpcDictionary,
  key: string,
  kind: CapabilityKind,
): Capability | undefined {
  const value = message[key];
  return value instanceof Capability && value.kind === kind ? value : undefined;
}
