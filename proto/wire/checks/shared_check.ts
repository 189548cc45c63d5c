/**
 * The checks of shared memory: textures and buffers.
 *
 * @module
 */

import type { ElementKind, Texture } from "../../schema/field_type.ts";
import { isNumericArray } from "../../schema/numeric_array.ts";
import type { Surface } from "../../schema/surface.ts";
import { Misfit, valueMisfit } from "../misfit.ts";
import type { AgreedTerms, Check } from "./check.ts";

/** What the surfaces of a field are. */
export interface SurfaceRule {
  /** In words. */
  readonly expected: string;
  /** Returns why a surface does not fit, or undefined. */
  misfit(surface: Surface): Misfit | undefined;
}

/** Returns what surfaces of one pixel format are, or of `any` format: then of those that the sides have agreed on. */
export function surfaceRule(
  { format }: Texture,
  { formats: agreed }: AgreedTerms,
): SurfaceRule {
  const formats = format === "any" ? agreed : [format];
  const expected = formats
    ? `a surface of ${formats.join(" or ")}`
    : "a surface";
  return {
    expected,
    misfit: ({ pixel_format }) =>
      !formats || formats.includes(pixel_format)
        ? undefined
        : new Misfit("", "", expected, `a surface of ${pixel_format}`),
  };
}

/** Makes the check of surfaces. */
export function textureCheck({ expected, misfit }: SurfaceRule): Check {
  return (value) =>
    isSurface(value) ? misfit(value) : valueMisfit(expected, value);
}

/** Does not read `pixels`: that would map the memory. */
function isSurface(value: unknown): value is Surface {
  return typeof value === "object" && value !== null &&
    "width" in value && typeof value.width === "number" &&
    "height" in value && typeof value.height === "number" &&
    "bytes_per_row" in value && typeof value.bytes_per_row === "number" &&
    "pixel_format" in value && typeof value.pixel_format === "string" &&
    "pixels" in value;
}

/** Returns what the buffers of a field are, in words. */
export function bufferWords(element_type: ElementKind): string {
  return `a buffer of ${element_type}`;
}

/** Makes the check of numeric arrays in shared memory. */
export function bufferCheck(element_type: ElementKind): Check {
  const expected = bufferWords(element_type);
  return (value) =>
    isNumericArray(element_type, value)
      ? undefined
      : valueMisfit(expected, value);
}
