/**
 * The types of shared memory: textures and buffers. A frame contains their names,
 * not their memory.
 *
 * @module
 */

import type {
  ElementKind,
  NumericArray,
  Texture,
} from "../schema/field_type.ts";
import type { Surface } from "../schema/surface.ts";
import type { AgreedTerms } from "../wire/checks/check.ts";
import {
  bufferCheck,
  bufferWords,
  surfaceRule,
  textureCheck,
} from "../wire/checks/shared_check.ts";
import { Misfit } from "../wire/misfit.ts";
import type { MemoryName } from "./lane_memory.ts";
import {
  aligned,
  type LaneType,
  type PayloadReader,
  type PayloadWriter,
} from "./lane_type.ts";

/** Each number of a name has 4 bytes: id, generation, flags. */
const NUMBER_BYTES = 4;
const NAME_BYTES = 12;
/** The flag of memory that the receiver gets back. */
const MOVED = 1;

/** Surfaces: their name. */
export function textureLane(type: Texture, terms: AgreedTerms): LaneType {
  const rule = surfaceRule(type, terms);
  const { expected } = rule;
  const check = textureCheck(rule);
  return {
    check,
    fits: (value) => check(value) === undefined,
    least: NAME_BYTES,
    end: (_, at) => aligned(at, NUMBER_BYTES) + NAME_BYTES,
    write: (value, writer, at) => {
      const to = writer.room(at, NUMBER_BYTES, NAME_BYTES);
      writeName(value as Surface, writer, to);
      return to + NAME_BYTES;
    },
    read: (reader) => {
      const at = reader.take(NUMBER_BYTES, NAME_BYTES);
      if (at < 0) return reader.short(NAME_BYTES);
      const name = readName(reader, at, expected);
      if (name instanceof Misfit) return name;
      const surface = reader.finder.texture(name);
      return typeof surface === "string"
        ? new Misfit("", "", expected, surface)
        : rule.misfit(surface) ?? surface;
    },
  };
}

/** Numeric arrays in shared memory: their name, and the number of elements. */
export function bufferLane(element_type: ElementKind): LaneType {
  const expected = bufferWords(element_type);
  const check = bufferCheck(element_type);
  const bytes = NAME_BYTES + NUMBER_BYTES;
  return {
    check,
    fits: (value) => check(value) === undefined,
    least: bytes,
    end: (_, at) => aligned(at, NUMBER_BYTES) + bytes,
    write: (value, writer, at) => {
      const elements = value as NumericArray;
      const to = writer.room(at, NUMBER_BYTES, bytes);
      writeName(elements, writer, to);
      writer.view.setUint32(to + NAME_BYTES, elements.length, true);
      return to + bytes;
    },
    read: (reader) => {
      const at = reader.take(NUMBER_BYTES, bytes);
      if (at < 0) return reader.short(bytes);
      const name = readName(reader, at, expected);
      if (name instanceof Misfit) return name;
      const length = reader.view.getUint32(at + NAME_BYTES, true);
      const elements = reader.finder.buffer(name, element_type, length);
      return typeof elements === "string"
        ? new Misfit("", "", expected, elements)
        : elements;
    },
  };
}

function writeName(
  value: Surface | NumericArray,
  { view, names }: PayloadWriter,
  at: number,
): void {
  const { id, generation, moved } = names.name(value);
  view.setUint32(at, id, true);
  view.setUint32(at + NUMBER_BYTES, generation, true);
  view.setUint32(at + 2 * NUMBER_BYTES, moved ? MOVED : 0, true);
}

function readName(
  reader: PayloadReader,
  at: number,
  expected: string,
): MemoryName | Misfit {
  const { view } = reader;
  const id = view.getUint32(at, true);
  const generation = view.getUint32(at + NUMBER_BYTES, true);
  const flags = view.getUint32(at + 2 * NUMBER_BYTES, true);
  return flags > MOVED
    ? new Misfit("", "", expected, `the flags ${flags}`)
    : { id, generation, moved: flags === MOVED };
}
