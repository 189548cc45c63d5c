import type {
  MemoryFinder,
  MemoryName,
  MemoryNamer,
} from "../../../proto/lane/lane_memory.ts";
import type {
  ElementArrays,
  ElementKind,
  NumericArray,
} from "../../../proto/schema/field_type.ts";
import { NUMERIC_ARRAYS } from "../../../proto/schema/numeric_array.ts";
import type { PixelFormat, Surface } from "../../../proto/schema/surface.ts";
import { CHANNEL_KEY } from "../../../proto/wire/keys.ts";
import type {
  CapabilityReader,
  CapabilityWriter,
} from "../../../proto/wire/type_codec.ts";
import {
  Capability,
  getNumber,
  isDictionary,
  uint64,
  type XpcDictionary,
  type XpcValue,
} from "../../../proto/wire/xpc_value.ts";
import { surface } from "../fake_capabilities.ts";

/** The pixel format of a surface, by its generation modulo 3. */
export const RULED_FORMATS: readonly PixelFormat[] = ["bgra8", "gray8", "nv12"];

/** Ids of this remainder modulo 16 are not known. */
const UNKNOWN = 13;
/** Why memory is not found. */
const NOT_FOUND = "no memory of this connection";
/** No buffer has more elements. */
const MOST = 1000;

/**
 * Memory by a rule that every language can follow: a surface is of 2 by 1 pixels, and its format is that of its generation; a buffer
 * has as many elements as its name says. Some ids are not known.
 */
export class RuledMemory implements MemoryNamer, MemoryFinder {
  /** The names that were asked for, in order. */
  readonly asked: MemoryName[] = [];
  readonly #names = new Map<unknown, MemoryName>();
  #count = 0;

  name(value: Surface | NumericArray): MemoryName {
    const known = this.#names.get(value);
    if (known) return known;
    this.#count += this.#count % 16 === UNKNOWN - 1 ? 2 : 1;
    const format = "pixel_format" in value ? value.pixel_format : "bgra8";
    const made = {
      id: this.#count,
      generation: 3 * this.#count + RULED_FORMATS.indexOf(format),
      moved: this.#count % 4 === 0,
    };
    this.#names.set(value, made);
    return made;
  }

  texture(name: MemoryName): Surface | string {
    return this.#found(
      name,
      () => surface(RULED_FORMATS[name.generation % 3]!),
    );
  }

  buffer<K extends ElementKind>(
    name: MemoryName,
    element_type: K,
    length: number,
  ): ElementArrays[K] | string {
    return length > MOST
      ? this.#found(name, () => `more than ${MOST} elements`)
      : this.#found(
        name,
        () => new NUMERIC_ARRAYS[element_type](length),
      );
  }

  #found<T>({ id, generation, moved }: MemoryName, make: () => T): T | string {
    const name = { id, generation, moved };
    this.asked.push(name);
    if (id % 16 === UNKNOWN) return NOT_FOUND;
    const value = make();
    this.#names.set(value, name);
    return value;
  }

  /** The same for dictionaries. */
  readonly writer: CapabilityWriter = {
    texture: (value) => this.#dictionary(value),
    buffer: (value) => ({
      ...this.#dictionary(value),
      [CHANNEL_KEY.length]: uint64(value.length),
    }),
  };

  #dictionary(value: Surface | NumericArray): XpcDictionary {
    const { id, generation, moved } = this.name(value);
    return {
      [CHANNEL_KEY.surfaceId]: uint64(id),
      [CHANNEL_KEY.generation]: uint64(generation),
      ...(moved && { [CHANNEL_KEY.moved]: true }),
    };
  }

  /** As `channel/dictionary/frame_leases.ts` reads a name. */
  readonly reader: CapabilityReader = {
    texture: (value) => {
      const name = nameIn(value);
      return typeof name === "string" ? name : this.texture(name);
    },
    buffer: (value, element_type) => {
      if (value instanceof Capability && value.kind === "surface") {
        return "a surface";
      }
      const name = nameIn(value);
      if (typeof name === "string") return name;
      const length = isDictionary(value)
        ? getNumber(value, CHANNEL_KEY.length, "uint64")
        : undefined;
      return length === undefined
        ? this.#found(name, () => "a buffer without its length")
        : this.buffer(name, element_type, Number(length));
    },
  };
}

function nameIn(value: XpcValue): MemoryName | string {
  if (value instanceof Capability) return `a bare ${value.kind}`;
  if (!isDictionary(value)) return "neither a surface nor the name of one";
  const id = getNumber(value, CHANNEL_KEY.surfaceId, "uint64");
  const generation = getNumber(value, CHANNEL_KEY.generation, "uint64");
  if (id === undefined || generation === undefined) {
    return "a name without surface_id and generation";
  }
  return {
    id: Number(id),
    generation: Number(generation),
    moved: value[CHANNEL_KEY.moved] === true,
  };
}
