/**
 * Checks of the sizes in a template.
 *
 * @module
 */

import { MAX_MEMORY_BYTES } from "../../proto/limits.ts";
import type {
  NumericKind,
  TextureFormat,
} from "../../proto/schema/field_type.ts";
import { NUMERIC_ARRAYS } from "../../proto/schema/numeric_array.ts";
import { Misfit, valueMisfit } from "../../proto/wire/misfit.ts";
import { show } from "../../proto/schema/schema_place.ts";
import { PIXEL_FORMATS, type PixelFormat } from "../../proto/schema/surface.ts";

/** The longest side of a surface, in pixels. */
const MAX_SIDE = 32_768;

/** Returns why `spec` is not the size of a surface of `format`, or undefined if it is. */
export function textureMisfit(
  format: TextureFormat,
  spec: unknown,
): Misfit | undefined {
  const expected = `a texture's {width, height, pixel_format}, ` +
    `sides from 1 to ${MAX_SIDE}, at most ${MAX_MEMORY_BYTES} bytes, ${
      format === "any"
        ? `a format of ${Object.keys(PIXEL_FORMATS).map(show).join(", ")}`
        : `the format ${show(format)}`
    }`;
  if (!isObject(spec)) return valueMisfit(expected, spec);
  const { width, height, pixel_format } = spec;
  const fits = isSide(width) && isSide(height) &&
    typeof pixel_format === "string" &&
    (format === "any"
      ? Object.hasOwn(PIXEL_FORMATS, pixel_format)
      : pixel_format === format) &&
    width * height *
          PIXEL_FORMATS[pixel_format as PixelFormat].bytes_per_pixel <=
      MAX_MEMORY_BYTES;
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
  kind: NumericKind,
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
