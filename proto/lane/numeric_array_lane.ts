/**
 * Arrays of numbers: the number of elements, then the elements. In JavaScript they
 * are typed arrays.
 *
 * @module
 */

import type {
  Array as ArrayType,
  NumericArray,
  NumericKind,
} from "../schema/field_type.ts";
import { NUMERIC_ARRAYS } from "../schema/numeric_array.ts";
import type { Check } from "../wire/checks/check.ts";
import { lengthMisfit } from "../wire/checks/container_check.ts";
import type { Misfit } from "../wire/misfit.ts";
import { Code } from "../generated_code.ts";
import {
  aligned,
  type FixedType,
  type LaneType,
  LazyLane,
  type PayloadReader,
  type PayloadWriter,
} from "./lane_type.ts";

/** The size of the number of elements. */
export const COUNT_BYTES = 4;

/**
 * Reads the number of elements. Each takes `least` bytes or more, so that the
 * frame's size limits it. Returns a misfit if the number is impossible; then
 * nothing behind it can be read.
 */
export function readCount(
  reader: PayloadReader,
  type: ArrayType,
  least: number,
): number | Misfit {
  const at = reader.take(COUNT_BYTES, COUNT_BYTES);
  if (at < 0) return reader.short(COUNT_BYTES);
  const count = reader.view.getUint32(at, true);
  const wrong = lengthMisfit(type, count);
  if (wrong) return reader.cut(wrong.expected, wrong.got);
  return count * least > reader.end - reader.at
    ? reader.short(count, "value")
    : count;
}

/** An array of at most this many numbers is copied number by number: a copy of its memory takes longer to start. */
const FEW = 64;

/** An array of numbers. There is no padding before them if there are none. */
export function numericArrayLane(
  type: ArrayType,
  { least: bytes, fixed }: LaneType,
  check: Check,
): LaneType {
  if (!fixed) throw new TypeError(`${type.element.kind} has no fixed size`);
  return new LazyLane(check, COUNT_BYTES, {
    fits: () => (value) => check(value) === undefined,
    end: () => (value, at) => {
      const from = aligned(at, COUNT_BYTES) + COUNT_BYTES;
      const { length } = value as NumericArray;
      return length === 0 ? from : aligned(from, bytes) + bytes * length;
    },
    write: () => writing(fixed),
    read: () => reading(type, fixed),
  });
}

function writing({ bytes, set }: FixedType): LaneType["write"] {
  const code = new Code();
  code.add(
    "const length = value.length, view = writer.view;",
    `at = writer.room(at, ${COUNT_BYTES}, ${COUNT_BYTES});`,
    "view.setUint32(at, length, true);",
    `at += ${COUNT_BYTES};`,
    "if (length === 0) return at;",
    `at = writer.room(at, ${bytes}, ${bytes} * length);`,
    `if (length > ${FEW}) ${code.constant(copyIn)}(value, writer, at);`,
    "else for (let i = 0; i < length; i++) {",
    `  ${set(`at + ${bytes} * i`, "value[i]", "")};`,
    "}",
    `return at + ${bytes} * length;`,
  );
  return code.make("value, writer, at") as LaneType["write"];
}

function copyIn(
  { buffer, byteOffset, byteLength }: NumericArray,
  { bytes }: PayloadWriter,
  at: number,
): void {
  bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
}

function reading(
  type: ArrayType,
  { bytes, get, value }: FixedType,
): LaneType["read"] {
  const code = new Code();
  const kind = type.element.kind as NumericKind;
  const TypedArray = code.constant(NUMERIC_ARRAYS[kind]);
  const count = `${code.constant(readCount)}(reader, ${
    code.constant(type)
  }, ${bytes})`;
  code.add(
    `const count = ${count};`,
    'if (typeof count !== "number") return count;',
    `if (count === 0) return new ${TypedArray}(0);`,
    `const at = reader.take(${bytes}, ${bytes} * count);`,
    'if (at < 0) return reader.short(count, "value");',
    `if (count > ${FEW}) {`,
    `  return new ${TypedArray}(reader.bytes.slice(at, reader.at).buffer);`,
    "}",
    `const list = new ${TypedArray}(count), view = reader.view;`,
    "for (let i = 0; i < count; i++) {",
    `  list[i] = ${value(get(`at + ${bytes} * i`), "")};`,
    "}",
    "return list;",
  );
  return code.make("reader") as LaneType["read"];
}
