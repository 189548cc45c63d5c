/**
 * Converts frames to XPC dictionaries and back, by their schema.
 *
 * @module
 */

import { BridgeError } from "../errors.ts";
import type { Frame, Schema } from "../schema/field_type.ts";
import { compileParts, type FrameTerms, type Makers } from "./compiler.ts";
import { arrayCodec, optionalCodec, structCodec } from "./container_codec.ts";
import { Misfit } from "./misfit.ts";
import * as scalar from "./scalar_codec.ts";
import { bufferCodec, textureCodec } from "./shared_codec.ts";
import type {
  CapabilityReader,
  CapabilityWriter,
  TypeCodec,
} from "./type_codec.ts";
import type { XpcDictionary, XpcValue } from "./xpc_value.ts";

/**
 * The codec of each field type.
 *
 * | field type | crosses as |
 * |---|---|
 * | Int32, Int64 | int64 |
 * | UInt32, UInt64 | uint64 |
 * | Float32, Float64 | double |
 * | Bool | bool |
 * | String, Enum | string |
 * | Bytes | data |
 * | Texture, Buffer | the value that the capability writer returns |
 * | Array | array |
 * | Struct, SchemaRef | dictionary |
 * | Optional | null, or its type |
 */
const CODECS: Makers<TypeCodec> = {
  Int32: () => scalar.INT32,
  Int64: () => scalar.INT64,
  UInt32: () => scalar.UINT32,
  UInt64: () => scalar.UINT64,
  Float32: () => scalar.FLOAT32,
  Float64: () => scalar.FLOAT64,
  Bool: () => scalar.BOOL,
  String: () => scalar.STRING,
  Bytes: () => scalar.BYTES,
  Texture: textureCodec,
  Buffer: ({ element_type }) => bufferCodec(element_type),
  Array: arrayCodec,
  Optional: ({ inner }, compiler) => optionalCodec(compiler.type(inner)),
  Enum: scalar.enumCodec,
  Struct: ({ fields }, compiler) => structCodec(fields, compiler),
  SchemaRef: ({ schema }, compiler) => compiler.schema(schema),
};

/** Converts the frames of one schema. Made by {@link compile}. */
export interface FrameCodec<S extends Schema = Schema> {
  /** The schema of the frames. */
  readonly schema: S;
  /** Returns why `frame` cannot be sent, or undefined. Does not check who owns its surfaces: `encode` does. */
  check(frame: unknown): Misfit | undefined;
  /**
   * Returns the `fields` of a frame's message. Calls the capability writer only
   * if the whole frame fits.
   *
   * @throws {BridgeError} `schema_mismatch`, naming the schema, the field and
   * the value; what the capability writer throws
   */
  encode(frame: Frame<S>, capabilities: CapabilityWriter): XpcDictionary;
  /**
   * Returns the frame in `fields`, or why it does not fit the schema: a field is
   * missing and not optional, has another XPC type, is out of range, or is not
   * in the schema. Never throws.
   */
  decode(
    fields: XpcDictionary,
    capabilities: CapabilityReader,
  ): Frame<S> | Misfit;
  /**
   * Returns `fields` with `handle` as the first texture or buffer, if that is
   * missing. Older peers send a frame's surface as such a separate object.
   */
  withHandle(fields: XpcDictionary, handle: XpcValue): XpcDictionary;
}

/**
 * Makes the codec of a schema. This walks the schema once; a frame then costs
 * one call per field. Make one codec per port and keep it.
 *
 * ```ts
 * import { schema, UInt32 } from "@streamlib/bridge";
 *
 * const Tick = schema({
 *   name: "Tick",
 *   version: { major: 1, minor: 0, patch: 0 },
 *   fields: { count: UInt32 },
 * });
 * console.log(compile(Tick).check({ count: -1 })?.message);
 * // Tick.count: expected an integer from 0 to 4294967295, got -1
 * ```
 */
export function compile<S extends Schema>(
  schema: S,
  terms: FrameTerms = {},
): FrameCodec<S> {
  const codec = compileParts(schema, terms, CODECS, structCodec);
  const shared = Object.keys(schema.fields).find((name) => {
    const kind = schema.fields[name]?.type.kind;
    return kind === "Texture" || kind === "Buffer";
  });
  const check = (frame: unknown): Misfit | undefined =>
    codec.check(frame)?.of(schema.name);
  return {
    schema,
    check,
    encode: (frame, capabilities) => {
      const misfit = check(frame);
      if (misfit) {
        throw new BridgeError(
          "schema_mismatch",
          `Cannot send a frame that does not fit its schema: ${misfit.message}`,
        );
      }
      return codec.encode(frame, capabilities) as XpcDictionary;
    },
    decode: (fields, capabilities) => {
      const frame = codec.decode(fields, capabilities);
      return frame instanceof Misfit
        ? frame.of(schema.name)
        : frame as Frame<S>;
    },
    withHandle: (fields, handle) =>
      shared === undefined || fields[shared] !== undefined
        ? fields
        : { ...fields, [shared]: handle },
  };
}
