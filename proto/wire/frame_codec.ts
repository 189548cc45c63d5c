/**
 * Frames to XPC dictionaries and back, by their schema.
 *
 * @module
 */

import { arrayCodec, optionalCodec, structCodec } from "./container_codec.ts";
import { BridgeError } from "../errors.ts";
import type { FieldType } from "../schema/field_type.ts";
import { Misfit } from "./misfit.ts";
import * as scalar from "./scalar_codec.ts";
import type { Frame, Schema } from "../schema/field_type.ts";
import { bufferCodec, textureCodec } from "./shared_codec.ts";
import type {
  CapabilityReader,
  CapabilityWriter,
  Compiler,
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
 * | Texture, Buffer | what the capability writer makes of it |
 * | Array | array |
 * | Struct, SchemaRef | dictionary |
 * | Optional | null, or its type |
 */
const CODECS: {
  readonly [K in FieldType["kind"]]: (
    type: Extract<FieldType, { readonly kind: K }>,
    compiler: Compiler,
  ) => TypeCodec;
} = {
  Int32: () => scalar.INT32,
  Int64: () => scalar.INT64,
  UInt32: () => scalar.UINT32,
  UInt64: () => scalar.UINT64,
  Float32: () => scalar.FLOAT32,
  Float64: () => scalar.FLOAT64,
  Bool: () => scalar.BOOL,
  String: () => scalar.STRING,
  Bytes: () => scalar.BYTES,
  Texture: ({ format }) => textureCodec(format),
  Buffer: ({ element_type }) => bufferCodec(element_type),
  Array: arrayCodec,
  Optional: ({ inner }, compiler) => optionalCodec(compiler.type(inner)),
  Enum: ({ variants }) => scalar.enumCodec(variants),
  Struct: ({ fields }, compiler) => structCodec(fields, compiler),
  SchemaRef: ({ schema }, compiler) => compiler.schema(schema),
};

/** Turns the frames of one schema into dictionaries, and back. Made by {@link compile}. */
export interface FrameCodec<S extends Schema = Schema> {
  /** The schema whose frames these are. */
  readonly schema: S;
  /** Why `frame` cannot be sent, if it cannot. Looks at the frame alone: whether its surfaces are this process's own, `encode` finds out. */
  check(frame: unknown): Misfit | undefined;
  /**
   * The `fields` of a frame's message. The capability writer is asked for
   * nothing unless the whole frame fits.
   *
   * @throws {BridgeError} `schema_mismatch`, naming the schema, the field and the value
   */
  encode(frame: Frame<S>, capabilities: CapabilityWriter): XpcDictionary;
  /**
   * The frame that came as `fields`, or why it does not fit the schema:
   * a field that is missing (unless it is optional), of another XPC type, out
   * of range, or not in the schema. Never throws.
   */
  decode(
    fields: XpcDictionary,
    capabilities: CapabilityReader,
  ): Frame<S> | Misfit;
  /**
   * `fields` with `handle`, a bare object that an older peer sent beside
   * them, as its first texture or buffer, if that one is missing.
   */
  withHandle(fields: XpcDictionary, handle: XpcValue): XpcDictionary;
}

/**
 * The codec of a schema's frames. Compiling walks the schema once; a frame
 * then costs one call per field. Keep it: one per port.
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
export function compile<S extends Schema>(schema: S): FrameCodec<S> {
  const codec = newCompiler().schema(schema);
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

/** A compiler that makes the codec of each schema once, however often it is referred to. */
function newCompiler(): Compiler {
  const made = new Map<Schema, TypeCodec>();
  const compiler: Compiler = {
    type: (type) => {
      // The table's key is the type's own kind, which TypeScript cannot follow.
      const make = CODECS[type.kind] as (
        type: FieldType,
        compiler: Compiler,
      ) => TypeCodec;
      return make(type, compiler);
    },
    schema: (schema) => {
      const codec = made.get(schema) ?? structCodec(schema.fields, compiler);
      made.set(schema, codec);
      return codec;
    },
  };
  return compiler;
}
