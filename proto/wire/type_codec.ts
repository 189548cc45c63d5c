/**
 * What the codec of one field type does, and what it needs.
 *
 * @module
 */

import type {
  FieldType,
  NumericArray,
  NumericArrays,
  NumericKind,
} from "../schema/field_type.ts";
import type { Misfit } from "./misfit.ts";
import type { Schema } from "../schema/field_type.ts";
import type { Surface } from "../schema/surface.ts";
import type { XpcValue } from "./xpc_value.ts";

/**
 * Puts shared memory into a message. Whoever sends decides the wire form: the
 * object itself the first time, its id and generation afterwards.
 */
export interface CapabilityWriter {
  /** What stands for `surface` in the message. Throws where it cannot be sent. */
  texture(surface: Surface): XpcValue;
  /** What stands for `samples` in the message. Throws where it cannot be sent. */
  buffer(samples: NumericArray): XpcValue;
}

/**
 * Takes shared memory out of a message. What it hands out stays the reader's:
 * a frame can still turn out not to fit after its surface was read, and then
 * the caller ends the leases of that reader, as at the end of a frame's life.
 */
export interface CapabilityReader {
  /** The surface that `value` stands for, or what is wrong with it, from a peer that is not trusted. */
  texture(value: XpcValue): Surface | string;
  /** The numbers that `value` stands for, or what is wrong with it. */
  buffer<K extends NumericKind>(
    value: XpcValue,
    element_type: K,
  ): NumericArrays[K] | string;
}

/**
 * The codec of one field type. `check` and `decode` take whatever comes and
 * never throw; `encode` takes only what `check` let through.
 */
export interface TypeCodec {
  /** Why `value` cannot be sent, if it cannot. */
  check(value: unknown): Misfit | undefined;
  /** `value` as it crosses. */
  encode(value: unknown, capabilities: CapabilityWriter): XpcValue;
  /** The value that crossed as `value`, `undefined` being none at all; or why it does not fit. */
  decode(
    value: XpcValue | undefined,
    capabilities: CapabilityReader,
  ): unknown | Misfit;
}

/** Makes the codecs of what a type is made of. */
export interface Compiler {
  /** The codec of a type. */
  type(type: FieldType): TypeCodec;
  /** The codec of a schema's frames. */
  schema(schema: Schema): TypeCodec;
}
