/**
 * The codecs of shared memory: textures and buffers. The capability writer and
 * reader decide what the message contains in their place.
 *
 * @module
 */

import type {
  ElementKind,
  NumericArray,
  Texture,
} from "../schema/field_type.ts";
import type { Surface } from "../schema/surface.ts";
import type { AgreedTerms } from "./checks/check.ts";
import {
  bufferCheck,
  bufferWords,
  surfaceRule,
  textureCheck,
} from "./checks/shared_check.ts";
import { Misfit, xpcMisfit } from "./misfit.ts";
import type { TypeCodec } from "./type_codec.ts";

/** The codec of surfaces of one pixel format, or of `any` format: then of those that the sides have agreed on. */
export function textureCodec(type: Texture, terms: AgreedTerms): TypeCodec {
  const rule = surfaceRule(type, terms);
  const { expected } = rule;
  return {
    check: textureCheck(rule),
    encode: (value, writer) => writer.texture(value as Surface),
    decode: (value, reader) => {
      if (value === undefined) return xpcMisfit(expected, value);
      const surface = reader.texture(value);
      return typeof surface === "string"
        ? new Misfit("", "", expected, surface)
        : rule.misfit(surface) ?? surface;
    },
  };
}

/** The codec of numeric arrays in shared memory. */
export function bufferCodec(element_type: ElementKind): TypeCodec {
  const expected = bufferWords(element_type);
  return {
    check: bufferCheck(element_type),
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
