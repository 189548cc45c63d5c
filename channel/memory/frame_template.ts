/**
 * Templates: what an outgoing frame looks like, before it has memory.
 *
 * @module
 */

import type {
  Array as ArrayType,
  ArrayOf,
  Buffer,
  Fields,
  FieldType,
  FieldValue,
  NumericKind,
  Optional,
  Scalar,
  SchemaRef,
  Struct,
  Texture,
  ValueOf,
} from "../../proto/schema/field_type.ts";
import type { Schema } from "../../proto/schema/field_type.ts";
import type { PixelFormat } from "../../proto/schema/surface.ts";

/** The size and format of a surface. Any {@link Surface} has this form. */
export interface SurfaceSpec {
  /** Pixels per row, from 1 to 32,768. */
  readonly width: number;
  /** Rows, from 1 to 32,768. */
  readonly height: number;
  /** The layout of the pixels. */
  readonly pixel_format: PixelFormat;
}

/** The size of a buffer. Any typed array has this form. */
export interface BufferSpec {
  /** The number of elements. */
  readonly length: number;
}

/**
 * The template of a value of type `T`: the size for a texture or a buffer, one
 * template per element for an array, `null` for an absent optional value, and
 * the value itself for everything else.
 */
export type TemplateOf<T extends FieldType> = FieldType extends T ? FieldValue
  : T extends Texture ? SurfaceSpec
  : T extends Buffer ? BufferSpec
  : T extends ArrayType<infer E>
    ? E extends Scalar<NumericKind> ? ArrayOf<E> : readonly TemplateOf<E>[]
  : T extends Optional<infer I> ? TemplateOf<I> | null
  : T extends SchemaRef<infer S> ? FrameTemplate<S>
  : T extends Struct ? TemplatesOf<T["fields"]>
  : ValueOf<T>;

/** The templates of the values of some fields. */
export type TemplatesOf<F extends Fields> = {
  readonly [K in keyof F]: TemplateOf<F[K]["type"]>;
};

/**
 * The template of a frame: a value for each field, and for shared memory, at
 * any depth, its size. Another frame can serve as a template.
 */
export type FrameTemplate<S extends Schema> = TemplatesOf<S["fields"]>;
