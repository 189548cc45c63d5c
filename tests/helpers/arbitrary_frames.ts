/**
 * Arbitrary frames of a schema, for property tests: values of every type up to
 * its limits, and the content of a frame's memory.
 *
 * The content of a frame is like the frame, but its pixels are computed from a
 * seed, because no surface exists yet. It is also the template of the frame.
 */

import type * as FastCheck from "fast-check";
import type {
  ElementKind,
  Fields,
  FieldType,
  NumericKind,
} from "../../proto/schema/field_type.ts";
import { NUMERIC_ARRAYS } from "../../proto/schema/numeric_array.ts";
import type { Schema } from "../../proto/schema/field_type.ts";
import {
  PIXEL_FORMATS,
  type PixelFormat,
  type Surface,
} from "../../proto/schema/surface.ts";
import { planeSizes } from "../../proto/schema/surface_layout.ts";

/** The fast-check library. The test imports it, because it needs more permissions than ffi. */
type FC = typeof FastCheck.default;
type Arbitrary = FastCheck.Arbitrary<unknown>;

/** The description of a texture that is not acquired yet. */
interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly pixel_format: PixelFormat;
  readonly seed: number;
}

/** The content of a frame: fields by name. */
export type Content = { readonly [field: string]: unknown };

const [MIN_32, MAX_32] = [-(2 ** 31), 2 ** 31 - 1];
const [MIN_64, MAX_64] = [-(2n ** 63n), 2n ** 63n - 1n];
const MAX_U32 = 2 ** 32 - 1;
const MAX_U64 = 2n ** 64n - 1n;
const LONG = "Länge 長さ 🎞".repeat(2_000);

/** Numbers of each kind, with its limits and special values. */
function numbers(fc: FC, kind: ElementKind): Arbitrary {
  switch (kind) {
    case "Int32":
      return fc.oneof(
        fc.integer({ min: MIN_32, max: MAX_32 }),
        fc.constantFrom(MIN_32, -1, 0, MAX_32),
      );
    case "UInt32":
      return fc.oneof(
        fc.integer({ min: 0, max: MAX_U32 }),
        fc.constantFrom(0, 2 ** 31, MAX_U32),
      );
    case "Int64":
      return fc.oneof(
        fc.bigInt({ min: MIN_64, max: MAX_64 }),
        fc.constantFrom(MIN_64, -1n, 0n, 2n ** 53n + 1n, MAX_64),
      );
    case "UInt64":
      return fc.oneof(
        fc.bigInt({ min: 0n, max: MAX_U64 }),
        fc.constantFrom(0n, 2n ** 63n, MAX_U64),
      );
    case "Float32":
      return fc.oneof(
        fc.float(),
        fc.constantFrom(NaN, Infinity, -Infinity, -0, 2 ** -149, -(2 ** -149)),
        fc.constantFrom(2 ** -126, Math.fround(3.4028234663852886e38)),
      );
    case "Float64":
      return fc.oneof(
        fc.double(),
        fc.constantFrom(NaN, Infinity, -Infinity, -0, 5e-324, -5e-324),
        fc.constantFrom(Number.MAX_VALUE, 2 ** -1022, 2 ** 53 + 2),
      );
    case "Int8":
      return fc.integer({ min: -128, max: 127 });
    case "UInt8":
      return fc.integer({ min: 0, max: 255 });
    case "Int16":
      return fc.integer({ min: -(2 ** 15), max: 2 ** 15 - 1 });
    case "UInt16":
      return fc.integer({ min: 0, max: 2 ** 16 - 1 });
    case "Float16":
      return fc.oneof(
        fc.float({ min: -65_504, max: 65_504 }).map(Math.f16round),
        fc.constantFrom(NaN, Infinity, -Infinity, -0, 2 ** -24, 65_504),
      );
  }
}

function numericArray(
  fc: FC,
  kind: ElementKind,
  size: { minLength?: number; maxLength: number },
): Arbitrary {
  return fc.array(numbers(fc, kind), size).map((list) => {
    const values: { [index: number]: unknown } = new NUMERIC_ARRAYS[kind](
      list.length,
    );
    list.forEach((value, i) => values[i] = value);
    return values;
  });
}

function pixels(fc: FC, formats: readonly PixelFormat[]): Arbitrary {
  return fc.record<Pixels>({
    width: fc.integer({ min: 1, max: 40 }),
    height: fc.integer({ min: 1, max: 9 }),
    pixel_format: fc.constantFrom(...formats),
    seed: fc.integer({ min: 0, max: 255 }),
  });
}

function values(fc: FC, fields: Fields): FastCheck.Arbitrary<Content> {
  return fc.record(
    Object.fromEntries(
      Object.entries(fields).map(([name, { type }]) => [
        name,
        contentOf(fc, type),
      ]),
    ),
  );
}

/** Any value of a type. */
function contentOf(fc: FC, type: FieldType): Arbitrary {
  switch (type.kind) {
    case "Bool":
      return fc.boolean();
    case "String":
      return fc.oneof(
        fc.string({ unit: "binary" }).map((text) => text.replaceAll("\0", "")),
        fc.string({ unit: "grapheme" }),
        fc.constantFrom("", "\u{10ffff}", "\ufeff", "\ud7ff\ue000", LONG),
      );
    case "Bytes":
      return fc.oneof(
        { weight: 20, arbitrary: fc.uint8Array({ maxLength: 64 }) },
        { weight: 1, arbitrary: fc.constant(new Uint8Array(100_000).fill(7)) },
      );
    case "Enum":
      return fc.constantFrom(...type.variants);
    case "Texture":
      return pixels(
        fc,
        type.format === "any"
          ? Object.keys(PIXEL_FORMATS) as PixelFormat[]
          : [type.format],
      );
    case "Buffer":
      return numericArray(fc, type.element_type, { maxLength: 20 });
    case "Array": {
      const { element, length } = type;
      const size = {
        maxLength: length ?? 6,
        ...(length !== undefined && { minLength: length }),
      };
      return element.kind in NUMERIC_ARRAYS
        ? numericArray(fc, element.kind as NumericKind, size)
        : fc.array(contentOf(fc, element), size);
    }
    case "Optional":
      return fc.option(contentOf(fc, type.inner));
    case "Struct":
      return values(fc, type.fields);
    case "SchemaRef":
      return values(fc, type.schema.fields);
    default:
      return numbers(fc, type.kind);
  }
}

/** Any frame of a schema. */
export function frameOf(
  fc: FC,
  schema: Schema,
): FastCheck.Arbitrary<Content> {
  return values(fc, schema.fields);
}

/** Writes the content into the memory of a frame that was acquired with this content as the template. */
export function fill(frame: unknown, content: unknown): void {
  if (typeof content !== "object" || content === null) return;
  if ("seed" in content) {
    const surface = frame as Surface;
    const seed = content.seed as number;
    for (const plane of surface.planes.keys()) {
      [...surface.rows(plane)].forEach((row, y) => {
        for (let x = 0; x < row.length; x++) {
          row[x] = pixelByte(seed, plane, y, x);
        }
      });
    }
  } else if (ArrayBuffer.isView(content)) {
    if (frame !== content) (frame as Uint8Array).set(content as Uint8Array);
  } else {
    for (const [key, value] of Object.entries(content)) {
      fill((frame as Content)[key], value);
    }
  }
}

/** Returns a frame or a content as plain values that can be compared. The padding of rows is left out. */
export function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (ArrayBuffer.isView(value)) {
    return [value.constructor.name, ...value as unknown as Iterable<unknown>];
  }
  if (Array.isArray(value)) return value.map(plain);
  if ("pixel_format" in value) {
    return plainTexture(value as unknown as Pixels | Surface);
  }
  const values: Record<string, unknown> = {};
  // Textures and buffers are getters of a frame's class.
  for (const key in value) {
    values[key] = plain(value[key as keyof typeof value]);
  }
  return values;
}

/** The byte at a place; it does not depend on the length of the rows. */
function pixelByte(
  seed: number,
  plane: number,
  row: number,
  column: number,
): number {
  return (seed + 31 * plane + 7 * row + column) & 0xff;
}

/** Rows may have padding, of different length in the two processes: only the visible part of each row is compared. */
function plainTexture(texture: Pixels | Surface): unknown {
  const { width, height, pixel_format } = texture;
  const planes = planeSizes(texture).map(({ height, row_bytes }, plane) =>
    "seed" in texture
      ? Array.from({ length: height }, (_, y) =>
        Array.from(
          { length: row_bytes },
          (_, x) => pixelByte(texture.seed, plane, y, x),
        ))
      : Array.from(texture.rows(plane), (row) => [...row])
  );
  return { width, height, pixel_format, planes };
}
