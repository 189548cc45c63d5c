/**
 * The interfaces of the codecs of field types in XPC dictionaries.
 *
 * @module
 */

import type {
  ElementArrays,
  ElementKind,
  NumericArray,
} from "../schema/field_type.ts";
import type { Surface } from "../schema/surface.ts";
import type { Check } from "./checks/check.ts";
import type { Misfit } from "./misfit.ts";
import type { XpcValue } from "./xpc_value.ts";

/**
 * Puts shared memory into a message. The implementation decides the form on the
 * wire: the names of pieces that were offered.
 */
export interface CapabilityWriter {
  /** Returns the value that represents `surface` in the message. Throws if it cannot be sent. */
  texture(surface: Surface): XpcValue;
  /** Returns the value that represents `samples` in the message. Throws if it cannot be sent. */
  buffer(samples: NumericArray): XpcValue;
}

/**
 * Finds shared memory that a message names. The reader keeps the leases on what
 * it returns; the caller ends them with the frame, or if the frame turns out not
 * to fit after a surface was read.
 */
export interface CapabilityReader {
  /** Returns the surface that `value` represents, or what is wrong with it. The peer is not trusted. */
  texture(value: XpcValue): Surface | string;
  /** Returns the elements that `value` represents, or what is wrong with it. */
  buffer<K extends ElementKind>(
    value: XpcValue,
    element_type: K,
  ): ElementArrays[K] | string;
}

/**
 * The codec of one field type. `check` and `decode` accept any value and never
 * throw; `encode` accepts only values that passed `check`.
 */
export interface TypeCodec {
  /** Returns why a value cannot be sent, or undefined. */
  readonly check: Check;
  /** Returns `value` as it is in the message. */
  encode(value: unknown, capabilities: CapabilityWriter): XpcValue;
  /** Returns the value in the message, or why it does not fit. `value` is undefined if it is absent. */
  decode(
    value: XpcValue | undefined,
    capabilities: CapabilityReader,
  ): unknown | Misfit;
}
