/**
 * What a frame that is to be sent looks like before there is memory for it.
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

/** The size and format of a surface. Any {@link Surface} is one. */
export interface SurfaceSpec {
  /** Pixels per row, from 1 to 32,768. */
  readonly width: number;
  /** Rows, from 1 to 32,768. */
  readonly height: number;
  /** How the pixels are laid out. */
  readonly pixel_format: PixelFormat;
}

/** The size of a buffer. Any typed array is one. */
export interface BufferSpec {
  /** How many numbers. */
  readonly length: number;
}

/**
 * What a value of the type `T` is to look like: a texture or a buffer its
 * size, an array as many elements as it shall have, `null` for what is not
 * there, and everything else itself.
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

/** What the values of some fields are to look like. */
export type TemplatesOf<F extends Fields> = {
  readonly [K in keyof F]: TemplateOf<F[K]["type"]>;
};

/**
 * What a frame is to look like: a value for each field, and wherever there is
 * shared memory, at whatever depth, its size. Another frame will do.
 */
export type FrameTemplate<S extends Schema> = TemplatesOf<S["fields"]>;
