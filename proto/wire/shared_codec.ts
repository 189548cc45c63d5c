/**
 * The codecs of shared memory: textures and buffers. The capability writer and
 * reader decide what the message contains in their place.
 *
 * @module
 */

import type { NumericKind, TextureFormat } from "../schema/field_type.ts";
import { Misfit, valueMisfit, xpcMisfit } from "./misfit.ts";
import { isNumericArray } from "../schema/numeric_array.ts";
import type { Surface } from "../schema/surface.ts";
import type { NumericArray } from "../schema/field_type.ts";
import type { TypeCodec } from "./type_codec.ts";

/** The codec of surfaces of one pixel format, or of `any` format. */
export function textureCodec(format: TextureFormat): TypeCodec {
  const expected = format === "any" ? "a surface" : `a surface of ${format}`;
  const fits = (surface: Surface): boolean =>
    format === "any" || surface.pixel_format === format;
  const wrongFormat = (surface: Surface): Misfit =>
    new Misfit("", "", expected, `a surface of ${surface.pixel_format}`);
  return {
    check: (value) => {
      if (!isSurface(value)) return valueMisfit(expected, value);
      return fits(value) ? undefined : wrongFormat(value);
    },
    encode: (value, writer) => writer.texture(value as Surface),
    decode: (value, reader) => {
      if (value === undefined) return xpcMisfit(expected, value);
      const surface = reader.texture(value);
      if (typeof surface === "string") {
        return new Misfit("", "", expected, surface);
      }
      return fits(surface) ? surface : wrongFormat(surface);
    },
  };
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

/** The codec of numeric arrays in shared memory. */
export function bufferCodec(element_type: NumericKind): TypeCodec {
  const expected = `a buffer of ${element_type}`;
  return {
    check: (value) =>
      isNumericArray(element_type, value)
        ? undefined
        : valueMisfit(expected, value),
    encode: (value, writer) => writer.buffer(value as NumericArray),
    decode: (value, reader) => {
      if (value === undefined) return xpcMisfit(expected, value);
      const numbers = reader.buffer(value, element_type);
      return typeof numbers === "string"
        ? new Misfit("", "", expected, numbers)
        : numbers;
    },
  };
}
