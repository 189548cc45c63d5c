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
import type { Marked } from "../../proto/schema/marks/mark.ts";
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

/** The properties of a texture or buffer that fields beside it mirror, such as `"width"`. `K` is its name. */
export type MirroredOf<F extends Fields, K extends keyof F> = {
  [N in keyof F]: F[N]["type"] extends Marked<`${K & string}.${infer P}`> ? P
    : never;
}[keyof F];

/** The properties of a texture or buffer that a template must give, if no field mirrors them. */
export type SpecKeys<T extends FieldType> = T extends Texture<infer F>
  ? "any" extends F ? keyof SurfaceSpec : "width" | "height"
  : keyof BufferSpec;

/** The template of one of some fields: of a texture or buffer, only what no other field says. */
export type TemplateIn<F extends Fields, K extends keyof F> =
  F[K]["type"] extends Texture ?
      & Pick<
        SurfaceSpec,
        & keyof SurfaceSpec
        & Exclude<SpecKeys<F[K]["type"]>, MirroredOf<F, K>>
      >
      & Partial<SurfaceSpec>
    : TemplateOf<F[K]["type"]>;

/** The names of the fields that a template must give: not a marked one, not an `Optional`, not a texture or buffer that is known from the fields that mirror it. */
export type GivenKeys<F extends Fields> = {
  [K in keyof F]: F[K]["type"] extends Marked | Optional ? never
    : F[K]["type"] extends Texture | Buffer
      ? [Exclude<SpecKeys<F[K]["type"]>, MirroredOf<F, K>>] extends [never]
        ? never
      : K
    : K;
}[keyof F];

/** The templates of the values of some fields. The keys are taken from `F` itself: so an editor shows the fields' comments. */
export type TemplatesOf<F extends Fields> =
  & {
    readonly [K in keyof F as K extends GivenKeys<F> ? K : never]: TemplateIn<
      F,
      K
    >;
  }
  & {
    readonly [K in keyof F as K extends GivenKeys<F> ? never : K]?: TemplateIn<
      F,
      K
    >;
  };

/**
 * The template of a frame: a value for each field, and for shared memory, at
 * any depth, its size. Another frame can serve as a template.
 *
 * It need not have what is known without it: a field that is a `Clock` or a
 * `Count`, an `Optional`, a field that mirrors a texture or buffer, or the
 * texture or buffer that fields mirror. So `{ width: 1280, height: 720,
 * pixel_format: "rgba8" }` is the template of a whole `VideoFrame`.
 */
export type FrameTemplate<S extends Schema> = TemplatesOf<S["fields"]>;
