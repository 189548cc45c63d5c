/**
 * Checks of the sizes in a template.
 *
 * @module
 */

import { MAX_MEMORY_BYTES } from "../../proto/limits.ts";
import type {
  ElementKind,
  TextureFormat,
} from "../../proto/schema/field_type.ts";
import { NUMERIC_ARRAYS } from "../../proto/schema/numeric_array.ts";
import { Misfit, valueMisfit } from "../../proto/wire/misfit.ts";
import { show } from "../../proto/schema/schema_place.ts";
import { PIXEL_FORMATS, type PixelFormat } from "../../proto/schema/surface.ts";
import { packedBytes } from "../../proto/schema/surface_layout.ts";

/** The longest side of a surface, in pixels. */
const MAX_SIDE = 32_768;

/** Returns why `spec` is not the size of a surface of `format`, or undefined if it is. */
export function textureMisfit(
  format: TextureFormat,
  spec: unknown,
): Misfit | undefined {
  const size = `a texture's {width, height, pixel_format}, ` +
    `sides from 1 to ${MAX_SIDE}, at most ${MAX_MEMORY_BYTES} bytes`;
  if (!isObject(spec)) return valueMisfit(size, spec);
  const { width, height, pixel_format } = spec;
  const isFormat = typeof pixel_format === "string" &&
    (format === "any"
      ? Object.hasOwn(PIXEL_FORMATS, pixel_format)
      : pixel_format === format);
  const fits = isSide(width) && isSide(height) && isFormat &&
    packedBytes({ width, height, pixel_format: pixel_format as PixelFormat }) <=
      MAX_MEMORY_BYTES;
  // The formats only if it is one of them that is wrong: the list is long.
  const expected = isFormat
    ? size
    : `${size}, ${
      format === "any"
        ? `a format of ${Object.keys(PIXEL_FORMATS).map(show).join(", ")}`
        : `the format ${show(format)}`
    }`;
  return fits ? undefined : new Misfit(
    "",
    "",
    expected,
    `{width: ${describeSide(width)}, height: ${
      describeSide(height)
    }, pixel_format: ${show(pixel_format)}}`,
  );
}

/** Returns why `spec` is not the size of a buffer of `kind`, or undefined if it is. */
export function bufferMisfit(
  kind: ElementKind,
  spec: unknown,
): Misfit | undefined {
  const most = MAX_MEMORY_BYTES / NUMERIC_ARRAYS[kind].BYTES_PER_ELEMENT;
  const expected = `a buffer's {length}, an integer from 0 to ${most}`;
  if (!isObject(spec)) return valueMisfit(expected, spec);
  const { length } = spec;
  return Number.isSafeInteger(length) && (length as number) >= 0 &&
      (length as number) <= most
    ? undefined
    : new Misfit("", "", expected, `{length: ${describeSide(length)}}`);
}

/** Says of a bigint that it is one: it looks like the number that was expected. */
function describeSide(value: unknown): string {
  return typeof value === "bigint"
    ? `${show(value)}n (expected a number)`
    : show(value);
}

function isSide(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 &&
    (value as number) <= MAX_SIDE;
}

function isObject(
  value: unknown,
): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null;
}
