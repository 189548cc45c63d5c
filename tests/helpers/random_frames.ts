/** Random schemas of every field type, and random frames of them: for property tests that need no more permissions than ffi. */

import {
  Array as List,
  Bool,
  Buffer,
  Bytes,
  type ElementKind,
  Enum,
  Extended,
  type Field,
  field,
  type Fields,
  type FieldType,
  FixedArray,
  Float32,
  Float64,
  Int32,
  Int64,
  type NumericKind,
  Optional,
  type Schema,
  SchemaRef,
  String as Text,
  Struct,
  Texture,
  UInt32,
  UInt64,
} from "../../proto/schema/field_type.ts";
import { variantsAt } from "../../proto/schema/minor.ts";
import { NUMERIC_ARRAYS } from "../../proto/schema/numeric_array.ts";
import { schema } from "../../proto/schema/schema.ts";
import { ELEMENT_KINDS } from "../../proto/schema/schema_check.ts";
import type { PixelFormat } from "../../proto/schema/surface.ts";
import { surface } from "./fake_capabilities.ts";
import type { Prng } from "./prng.ts";

const NUMBERS = [Int32, Int64, UInt32, UInt64, Float32, Float64] as const;
const FORMATS: readonly PixelFormat[] = ["bgra8", "gray8", "nv12"];

/** The minor version of random schemas. */
export const RANDOM_MINOR = 2;

/** Returns a random type. `depth` is how many more levels it can have. */
function randomType(prng: Prng, depth: number): FieldType {
  const kind = prng.below(depth > 0 ? 16 : 11);
  switch (kind) {
    case 0:
      return Bool;
    case 1:
      return Text;
    case 2:
      return Bytes;
    case 3:
      return prng.below(2)
        ? Enum("on", "off", "a name")
        : Extended(Enum("on", "off"), 1 + prng.below(3), "dim", "ünusual");
    case 4:
      return Texture(prng.pick([...FORMATS, "any"] as const));
    case 5:
      return Buffer({ kind: prng.pick(ELEMENT_KINDS) });
    case 11:
    case 12: {
      const inner = randomType(prng, depth - 1);
      return inner.kind === "Optional" ? inner : Optional(inner);
    }
    case 13: {
      const element = randomType(prng, depth - 1);
      return prng.below(3) ? List(element) : FixedArray(element, prng.below(4));
    }
    case 14:
      return Struct(randomFields(prng, depth - 1));
    case 15:
      return SchemaRef(randomSchema(prng, depth - 1));
    default:
      return prng.pick(NUMBERS);
  }
}

/** Names whose order is another than that of their definition. */
const NAMES = ["z", "a", "B", "_", "b2", "b10", "Zz", "aa", "count", "x"];

function randomFields(
  prng: Prng,
  depth: number,
): Record<string, FieldType | Field> {
  const fields: Record<string, FieldType | Field> = {};
  for (let n = prng.below(7); n > 0; n--) {
    fields[prng.pick(NAMES)] = prng.below(6)
      ? randomType(prng, depth)
      : field(Optional(prng.pick([UInt32, Text, Bool, Bytes])), "", {
        since: 1 + prng.below(3),
      });
  }
  return fields;
}

/** Returns a random schema. Its fields have `depth` levels or fewer below them. */
export function randomSchema(prng: Prng, depth: number): Schema {
  return schema({
    name: "R",
    version: { major: 1, minor: RANDOM_MINOR, patch: 0 },
    fields: randomFields(prng, depth),
  });
}

const TEXTS = ["", "a", "the same", "Länge", "長さ", "🎞 \u{10ffff}", "\ufeffx"];
const WORDS = ["x", "ab", "é", "€", "🎞", "0123456789"];

function randomText(prng: Prng): string {
  if (prng.below(2)) return prng.pick(TEXTS);
  const words = prng.below(20);
  return Array.from({ length: words }, () => prng.pick(WORDS)).join("");
}

function randomNumber(prng: Prng, kind: ElementKind): number | bigint {
  switch (kind) {
    case "Int64":
      return prng.pick([-(2n ** 63n), -1n, 0n, 5n, 2n ** 63n - 1n]);
    case "UInt64":
      return prng.pick([0n, 5n, 2n ** 63n, 2n ** 64n - 1n]);
    case "Int32":
      return prng.pick([-(2 ** 31), -1, 0, 5, 2 ** 31 - 1]);
    case "UInt32":
      return prng.pick([0, 5, 2 ** 31, 2 ** 32 - 1]);
    case "Float32":
      return Math.fround(prng.pick([0, -0, 0.1, 5e9, Infinity, NaN, -3.5]));
    case "Float64":
      return prng.pick([0, -0, 0.1, 5e-324, Infinity, -Infinity, NaN, 2 ** 53]);
    default:
      return prng.below(100);
  }
}

function randomNumbers(prng: Prng, kind: ElementKind, length: number): unknown {
  const numbers: { [index: number]: number | bigint } =
    new NUMERIC_ARRAYS[kind](
      length,
    );
  for (let i = 0; i < length; i++) numbers[i] = randomNumber(prng, kind);
  return numbers;
}

/** Returns a random value of a type that a schema has in a minor version. */
export function randomValue(
  prng: Prng,
  type: FieldType,
  minor: number = RANDOM_MINOR,
): unknown {
  switch (type.kind) {
    case "Bool":
      return prng.below(2) === 1;
    case "String":
      return randomText(prng);
    case "Bytes":
      return Uint8Array.from(prng.bytes(prng.below(3) ? prng.below(9) : 300));
    case "Enum":
      return prng.pick(variantsAt(type, minor));
    case "Texture":
      return surface(type.format === "any" ? prng.pick(FORMATS) : type.format);
    case "Buffer":
      return randomNumbers(prng, type.element_type, prng.below(5));
    case "Array": {
      const { element, length } = type;
      const count = length ?? (prng.below(20) ? prng.below(4) : 70);
      return element.kind in NUMERIC_ARRAYS
        ? randomNumbers(prng, element.kind as NumericKind, count)
        : Array.from(
          { length: count },
          () => randomValue(prng, element, minor),
        );
    }
    case "Optional":
      return prng.below(3) ? randomValue(prng, type.inner, minor) : null;
    case "Struct":
      return randomValues(prng, type.fields, minor);
    case "SchemaRef":
      return randomValues(prng, type.schema.fields, 0);
    default:
      return randomNumber(prng, type.kind);
  }
}

/** Returns random values of fields. */
export function randomValues(
  prng: Prng,
  fields: Fields,
  minor: number = RANDOM_MINOR,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries<Field>(fields).map(([name, { type }]) => [
      name,
      randomValue(prng, type, minor),
    ]),
  );
}
