/**
 * Marks: what the value of a field is, beyond its type. A marked field need not
 * be given in a template, because its value is known without it.
 *
 * | here | its value | JSON |
 * |---|---|---|
 * | `Mirror(UInt32, "pixel_buffer.width")` | that property of a texture or buffer beside it | `"mark": "pixel_buffer.width"` |
 * | `Clock(Int64)` | the time at which the frame is acquired, see `now` | `"mark": "clock"` |
 * | `Count(UInt64)` | the number of frames that its port has acquired before | `"mark": "count"` |
 *
 * Marks are no part of a schema's base form: neither of the JSON that the broker
 * has, nor of the hash. A peer that knows none sees only the types.
 *
 * @module
 */

import type {
  Enum,
  FieldType,
  Int32,
  Int64,
  Scalar,
  UInt32,
  UInt64,
} from "../field_type.ts";

/** A property of a texture or buffer, by the name of its field, such as `pixel_buffer.width`. */
export type MirrorPath = `${string}.${string}`;

/** A mark: a clock, a count, or what the field mirrors. */
export type Mark = "clock" | "count" | MirrorPath;

/** What a mark adds to a field type. */
export interface Marked<M extends Mark = Mark> {
  /** The mark. */
  readonly mark: M;
}

/** The integer types. */
export type IntegerType = Int32 | UInt32 | Int64 | UInt64;

/** A field whose value is a property of a texture or buffer. */
export type Mirror<
  T extends FieldType = FieldType,
  P extends MirrorPath = MirrorPath,
> =
  & T
  & Marked<P>;

/**
 * A field that mirrors a property of a texture or buffer: `width`, `height` or
 * `pixel_format` of a texture, `length` of a buffer. If it is not given, it is
 * taken from there; and a texture or buffer that is not given is made from the
 * fields that mirror it. A frame in which the two differ is refused, by the
 * sender and by the receiver.
 *
 * ```ts
 * import { Buffer, Float32, Mirror, schema, UInt32 } from "@streamlib/bridge";
 *
 * const Levels = schema({
 *   name: "Levels",
 *   version: { major: 1, minor: 0, patch: 0 },
 *   fields: {
 *     values: Buffer(Float32),
 *     bands: Mirror(UInt32, "values.length"),
 *   },
 * });
 * console.log(Levels.fields.bands.type.mark); // "values.length"
 * ```
 *
 * @param type an integer type; for `pixel_format` an `Enum` or `String`
 * @param path the field of the texture or buffer, beside this one, and the property
 */
export function Mirror<
  T extends IntegerType | Enum | Scalar<"String">,
  const P extends MirrorPath,
>(type: T, path: P): Mirror<T, P> {
  return marked(type, path);
}

/** A field that holds the time of its frame. */
export type Clock<T extends Int64 | UInt64 = Int64 | UInt64> =
  & T
  & Marked<"clock">;

/** A field that holds a time, in nanoseconds of the clock that `now` reads. If it is not given, it is the time at which the frame is acquired. */
export function Clock<T extends Int64 | UInt64>(type: T): Clock<T> {
  return marked(type, "clock");
}

/** A field that holds the number of its frame. */
export type Count<T extends IntegerType = IntegerType> = T & Marked<"count">;

/** A field that numbers the frames of a port. If it is not given, it is the number of frames that the port has acquired before. */
export function Count<T extends IntegerType>(type: T): Count<T> {
  return marked(type, "count");
}

function marked<T extends FieldType, M extends Mark>(
  type: T,
  mark: M,
): T & Marked<M> {
  const made = { ...type, mark };
  Object.freeze(made);
  return made;
}

/** Returns the mark of a type, or undefined if it has none. */
export function markOf(type: FieldType): Mark | undefined {
  return (type as Partial<Marked>).mark;
}

/** What a mirror mirrors. */
export interface MirrorTarget {
  /** The name of the texture's or buffer's field. */
  readonly source: string;
  /** The property of it. */
  readonly property: string;
}

/** Returns what a mark mirrors, or undefined if it is a clock or a count. */
export function mirrorTarget(mark: Mark): MirrorTarget | undefined {
  const dot = mark.lastIndexOf(".");
  return dot < 0
    ? undefined
    : { source: mark.slice(0, dot), property: mark.slice(dot + 1) };
}
