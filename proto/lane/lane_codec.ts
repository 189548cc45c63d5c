/**
 * Writes frames to the payloads of records and reads them, by their schema.
 *
 * @module
 */

import { oncePer } from "../generated_code.ts";
import { VALUE_COST_BYTES } from "../limits.ts";
import type { Schema } from "../schema/field_type.ts";
import {
  compileParts,
  type FrameTerms,
  type Makers,
} from "../wire/compiler.ts";
import { arrayLane, optionalLane } from "./container_lane.ts";
import * as fixed from "./fixed_lane.ts";
import {
  type FrameLane,
  measureFrames,
  readFrames,
  writeFrames,
} from "./frame_lane.ts";
import type { LaneType } from "./lane_type.ts";
import { levelLane } from "./level_lane.ts";
import { costPerByte } from "./payload_cost.ts";
import { bufferLane, textureLane } from "./shared_lane.ts";
import { BYTES_LANE, STRING_LANE } from "./text_lane.ts";

/** The least cost of a frame, in bytes. */
const LEAST_COST = 64;

/**
 * Writes and reads the frames of one schema. Made by {@link compileLane}. Its
 * functions are made when they are first needed.
 */
export class LaneCodec<S extends Schema = Schema> implements FrameLane<S> {
  readonly schema: S;
  /** The fields of the schema. */
  readonly #level: LaneType;
  readonly #fields: number;
  /** Short values in lists take several times their bytes in memory. */
  readonly #costPerByte: number;
  #measure: FrameLane<S>["measure"] | undefined;
  #write: FrameLane<S>["write"] | undefined;
  #read: FrameLane<S>["read"] | undefined;

  constructor(schema: S, level: LaneType) {
    this.schema = schema;
    this.#level = level;
    this.#fields = Object.keys(schema.fields).length;
    this.#costPerByte = costPerByte(schema);
  }

  get measure(): FrameLane<S>["measure"] {
    return this.#measure ??= measureFrames(this.schema.name, this.#level);
  }

  get write(): FrameLane<S>["write"] {
    return this.#write ??= writeFrames(this.#level);
  }

  get read(): FrameLane<S>["read"] {
    return this.#read ??= readFrames(this.schema.name, this.#level);
  }

  /** Returns what a frame with a payload of `bytes` costs, in bytes: about the memory that it takes once it is read. */
  cost(bytes: number): number {
    const cost = this.#costPerByte * bytes + VALUE_COST_BYTES * this.#fields;
    return Math.max(LEAST_COST, Math.ceil(cost));
  }
}

/**
 * The {@link LaneType} of each field type. Numbers are aligned to their size,
 * counted from the start of the frame.
 *
 * | field type | bytes |
 * |---|---|
 * | Int32, UInt32, Float32 | 4 |
 * | Int64, UInt64, Float64 | 8 |
 * | Bool | 1: 1 or 0 |
 * | Enum | 2: the index in the list of the agreed minor version |
 * | String, Bytes | 4: their size; then the text in UTF-8, or the bytes |
 * | Optional | 1: 1 or 0; then the value, if it is 1 |
 * | Array | 4: the number of elements, also if it is fixed; then the elements |
 * | Struct, SchemaRef | their fields, sorted by name; 1 if there are none |
 * | Texture | 3 × 4: id, generation, flags: 1 if moved |
 * | Buffer | 4 × 4: as Texture, and the number of elements |
 */
const LANES: Makers<LaneType> = {
  Int32: () => fixed.INT32_LANE,
  Int64: () => fixed.INT64_LANE,
  UInt32: () => fixed.UINT32_LANE,
  UInt64: () => fixed.UINT64_LANE,
  Float32: () => fixed.FLOAT32_LANE,
  Float64: () => fixed.FLOAT64_LANE,
  Bool: () => fixed.BOOL_LANE,
  String: () => STRING_LANE,
  Bytes: () => BYTES_LANE,
  Texture: textureLane,
  Buffer: ({ element_type }) => bufferLane(element_type),
  Array: arrayLane,
  Optional: ({ inner }, compiler) => optionalLane(compiler.type(inner)),
  Enum: fixed.enumLane,
  Struct: ({ fields }, compiler) => levelLane(fields, compiler),
  SchemaRef: ({ schema }, compiler) => compiler.schema(schema),
};

/** The codecs of a schema, by the terms. */
const codecs = oncePer((_: Schema) => new Map<string, LaneCodec>());

/**
 * Returns the codec of a schema. With its first frame this takes about a millisecond,
 * once for a schema and its terms.
 *
 * ```ts
 * import { schema, String as Text, UInt32 } from "@streamlib/bridge";
 *
 * const Note = schema({
 *   name: "Note",
 *   version: { major: 1, minor: 0, patch: 0 },
 *   fields: { count: UInt32, text: Text },
 * });
 * console.log(compileLane(Note).measure({ count: 1, text: "hello" })); // 13
 * ```
 *
 * @throws {EvalError} if code cannot be generated: see `canGenerate`
 */
export function compileLane<S extends Schema>(
  schema: S,
  terms: FrameTerms = {},
): LaneCodec<S> {
  const known = codecs(schema);
  const key = JSON.stringify(terms);
  let codec = known.get(key);
  if (!codec) {
    codec = new LaneCodec(
      schema,
      compileParts(schema, terms, LANES, levelLane),
    );
    known.set(key, codec);
  }
  return codec as LaneCodec<S>;
}
