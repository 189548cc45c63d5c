/**
 * The types whose values have a fixed size: numbers, `Bool`, enums.
 *
 * @module
 */

import type { Enum } from "../schema/field_type.ts";
import { variantsAt } from "../schema/minor.ts";
import type { AgreedTerms, Check } from "../wire/checks/check.ts";
import * as checks from "../wire/checks/scalar_check.ts";
import { Misfit } from "../wire/misfit.ts";
import { Code } from "../generated_code.ts";
import {
  aligned,
  type FixedType,
  type LaneType,
  LazyLane,
  type NumberLimit,
} from "./lane_type.ts";

/** A type of fixed size. In a level its own functions are not needed. */
class FixedLane extends LazyLane {
  readonly fixed: FixedType;

  constructor(check: Check, fixed: FixedType) {
    const { bytes } = fixed;
    super(check, bytes, {
      fits: () => (value) => check(value) === undefined,
      end: () => (_, at) => aligned(at, bytes) + bytes,
      write: () => writing(fixed),
      read: () => reading(fixed),
    });
    this.fixed = fixed;
  }
}

function writing({ bytes, set, names }: FixedType): LaneType["write"] {
  const code = new Code();
  code.add(
    `const to = writer.room(at, ${bytes}, ${bytes}), view = writer.view;`,
    `${set("to", "value", code.constant(names))};`,
    `return to + ${bytes};`,
  );
  return code.make("value, writer, at") as LaneType["write"];
}

function reading(
  { bytes, get, value, limit, names }: FixedType,
): LaneType["read"] {
  const code = new Code();
  code.add(
    `const at = reader.take(${bytes}, ${bytes}), view = reader.view;`,
    `if (at < 0) return reader.short(${bytes});`,
    `const number = ${get("at")};`,
  );
  if (limit) {
    const refuse = code.constant(refuseNumber);
    code.add(
      `if (number >= ${limit.below})`,
      `  return ${refuse}(${code.constant(limit)}, number);`,
    );
  }
  code.add(`return ${value("number", code.constant(names))};`);
  return code.make("reader") as LaneType["read"];
}

/** Returns the misfit of a number that is not a value of its type. */
export function refuseNumber(
  { expected, called }: NumberLimit,
  number: number,
): Misfit {
  return new Misfit("", "", expected, `${called} ${number}`);
}

/** The type of a number, which the methods of `DataView` with this name read and write. */
function number(bytes: number, name: string, check: Check): LaneType {
  return new FixedLane(check, {
    bytes,
    get: (at) => `view.get${name}(${at}, true)`,
    set: (at, value) => `view.set${name}(${at}, ${value}, true)`,
    value: (number) => number,
  });
}

/** A signed integer of 32 bits. */
export const INT32_LANE: LaneType = number(4, "Int32", checks.checkInt32);
/** An unsigned integer of 32 bits. */
export const UINT32_LANE: LaneType = number(4, "Uint32", checks.checkUint32);
/** A signed integer of 64 bits. */
export const INT64_LANE: LaneType = number(8, "BigInt64", checks.checkInt64);
/** An unsigned integer of 64 bits. */
export const UINT64_LANE: LaneType = number(
  8,
  "BigUint64",
  checks.checkUint64,
);
/** A float of 32 bits. */
export const FLOAT32_LANE: LaneType = number(
  4,
  "Float32",
  checks.checkFloat32,
);
/** A float of 64 bits. */
export const FLOAT64_LANE: LaneType = number(
  8,
  "Float64",
  checks.checkFloat64,
);

/** True or false: a byte, 1 or 0. */
export const BOOL_LANE: LaneType = new FixedLane(checks.checkBool, {
  bytes: 1,
  get: (at) => `view.getUint8(${at})`,
  set: (at, value) => `view.setUint8(${at}, ${value} ? 1 : 0)`,
  limit: { below: 2, expected: "true or false", called: "the byte" },
  value: (number) => `${number} === 1`,
});

/** An enum: 16 bits, the index of the variant in the list that both sides have. */
export function enumLane(type: Enum, terms: AgreedTerms): LaneType {
  const variants = variantsAt(type, terms.minor);
  const byName = new Map(variants.map((name, index) => [name, index]));
  return new FixedLane(checks.enumCheck(type, terms), {
    bytes: 2,
    get: (at) => `view.getUint16(${at}, true)`,
    set: (at, value, names) =>
      `view.setUint16(${at}, ${names}.byName.get(${value}), true)`,
    limit: {
      below: variants.length,
      expected: checks.variantWords(variants),
      called: "the index",
    },
    value: (number, names) => `${names}.variants[${number}]`,
    names: { variants, byName },
  });
}
