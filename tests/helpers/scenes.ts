/**
 * Frames with textures and buffers below the top of their schema: in structs,
 * arrays, options and other schemas. Each piece has different content.
 */

import { assert, assertEquals } from "@std/assert";
import type { FrameTemplate } from "../../channel/mod.ts";
import * as types from "../../proto/schema/field_type.ts";
import { schema } from "../../proto/schema/schema.ts";
import type { PixelFormat } from "../../proto/schema/surface.ts";

const version = { major: 1, minor: 0, patch: 0 };

const Tile = schema({
  name: "Tile",
  version,
  fields: { x: types.UInt32, image: types.Texture("gray8") },
});

/** A schema with every type that can contain memory, and types that cannot. */
export const Scene = schema({
  name: "Scene",
  version,
  fields: {
    number: types.UInt32,
    tiles: types.Array(types.SchemaRef(Tile)),
    cubes: types.Array(types.Array(types.Texture("any"))),
    sound: types.Struct({
      rate: types.UInt32,
      left: types.Buffer(types.Float32),
      right: types.Buffer(types.Float32),
    }),
    overlay: types.Optional(types.Struct({ image: types.Texture("rgba8") })),
    depth: types.Optional(types.Buffer(types.UInt64)),
    plain: types.Array(types.Struct({ name: types.String })),
  },
});

/** The template of a scene. */
export type Template = FrameTemplate<typeof Scene>;

/** The size of a texture of two rows. */
export function size<F extends PixelFormat>(
  width: number,
  pixel_format: F,
): { width: number; height: number; pixel_format: F } {
  return { width, height: 2, pixel_format };
}

/** A scene of two pieces: the buffers that every scene has. */
export const SMALL: Template = {
  number: 0,
  tiles: [],
  cubes: [],
  sound: { rate: 48_000, left: { length: 8 }, right: { length: 4 } },
  overlay: null,
  depth: null,
  plain: [{ name: "a" }, { name: "b" }],
};

/** Templates of `count` tiles. */
export function tiles(count: number): Template["tiles"] {
  return Array.from({ length: count }, (_, x) => ({
    x,
    image: size(3, "gray8"),
  }));
}

/** A scene of ten pieces. */
export const FULL: Template = {
  ...SMALL,
  tiles: tiles(3),
  cubes: [[size(2, "bgra8"), size(5, "gray8")], [], [size(1, "rgba16f")]],
  overlay: { image: size(9, "rgba8") },
  depth: { length: 6 },
};

/** The values in a frame, an object or an array. The textures and buffers of a frame are getters of its class. */
export function valuesOf(value: object): unknown[] {
  const values: unknown[] = [];
  for (const name in value) values.push(value[name as keyof typeof value]);
  return values;
}

/** Fills every piece of a frame with a different number. Returns the number of pieces. */
export function paint(frame: unknown, number: number): number {
  let count = 0;
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    if ("pixels" in value) {
      (value.pixels as Uint8Array).fill(number + count++);
    } else if (value instanceof Float32Array) {
      value.fill(number + count++);
    } else if (value instanceof BigUint64Array) {
      value.fill(BigInt(number + count++));
    } else for (const inner of valuesOf(value)) walk(inner);
  };
  walk(frame);
  return count;
}

/** Visits the pieces of a received frame in the same order, and checks that each is filled with its number. */
export function assertPainted(
  frame: unknown,
  number: number,
  pieces: number,
): void {
  let count = 0;
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const content = "pixels" in value ? value.pixels as Uint8Array : value;
    if (ArrayBuffer.isView(content)) {
      const numbers = [...content as unknown as Iterable<number>].map(Number);
      assert(numbers.length > 0);
      assert(numbers.every((n) => n === number + count), `piece ${count}`);
      count++;
    } else for (const inner of valuesOf(value)) walk(inner);
  };
  walk(frame);
  assertEquals(count, pieces);
}
