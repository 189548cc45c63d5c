/**
 * Checks of the sizes in a template.
 *
 * @module
 */

import type { TextureFormat } from "../../proto/schema/field_type.ts";
import { Misfit, valueMisfit } from "../../proto/wire/misfit.ts";
import { show } from "../../proto/schema/schema_place.ts";
import { PIXEL_FORMATS } from "../../proto/schema/surface.ts";

/** The longest side of a surface, in pixels. */
const MAX_SIDE = 32_768;

/** Returns why `spec` is not the size of a surface of `format`, or undefined if it is. */
export function textureMisfit(
  format: TextureFormat,
  spec: unknown,
): Misfit | undefined {
  const expected = `a texture's {width, height, pixel_format}, ` +
    `sides from 1 to ${MAX_SIDE}, ${
      format === "any" ? "any format" : `the format ${show(format)}`
    }`;
  if (!isObject(spec)) return valueMisfit(expected, spec);
  const { width, height, pixel_format } = spec;
  const fits = isSide(width) && isSide(height) &&
    typeof pixel_format === "string" &&
    (format === "any"
      ? Object.hasOwn(PIXEL_FORMATS, pixel_format)
      : pixel_format === format);
  return fits ? undefined : new Misfit(
    "",
    "",
    expected,
    `{width: ${show(width)}, height: ${show(height)}, pixel_format: ${
      show(pixel_format)
    }}`,
  );
}

/** Returns why `spec` is not the size of a buffer, or undefined if it is. */
export function bufferMisfit(spec: unknown): Misfit | undefined {
  const expected = "a buffer's {length}, an integer from 0";
  if (!isObject(spec)) return valueMisfit(expected, spec);
  const { length } = spec;
  return Number.isSafeInteger(length) && (length as number) >= 0
    ? undefined
    : new Misfit("", "", expected, `{length: ${show(length)}}`);
}

function isSide(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 &&
    (value as number) <= MAX_SIDE;
}

function isObject(
  value: unknown,
): value is { readonly [key: string]: unknown } {
  return typeof value === "object" && value !== null;
}
