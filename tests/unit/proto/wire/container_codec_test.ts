import { assert, assertEquals } from "@std/assert";
import * as types from "../../../../proto/schema/field_type.ts";
import { compile } from "../../../../proto/wire/frame_codec.ts";
import { Misfit } from "../../../../proto/wire/misfit.ts";
import type { Schema } from "../../../../proto/schema/field_type.ts";
import { schema } from "../../../../proto/schema/schema.ts";
import {
  double,
  int64,
  uint64,
  type XpcDictionary,
  type XpcValue,
} from "../../../../proto/wire/xpc_value.ts";
import {
  FakeCapabilities,
  surface,
} from "../../../helpers/fake_capabilities.ts";

const version = { major: 1, minor: 0, patch: 0 };
const { writer, reader } = new FakeCapabilities();

/** A schema with one field, `f`. */
function only(type: types.FieldType): Schema {
  return schema({ name: "S", version, fields: { f: type } });
}

/** Checks that `value` in a field of `type` is encoded as `xpc`, and decoded to an equal value. */
function crosses(
  type: types.FieldType,
  value: types.FieldValue,
  xpc: XpcValue,
): void {
  const codec = compile(only(type));
  const fields = codec.encode({ f: value }, writer);
  assertEquals(fields, { f: xpc });
  assertEquals(codec.decode(fields, reader), { f: value });
}

function unsendable(type: types.FieldType, value: unknown, why: string): void {
  assertEquals(compile(only(type)).check({ f: value })?.message, why);
}

function unreadable(type: types.FieldType, xpc: XpcValue, why: string): void {
  const frame = compile(only(type)).decode({ f: xpc }, reader);
  assert(frame instanceof Misfit);
  assertEquals(frame.message, why);
}

Deno.test("an Optional is null, or its type; none at all is null", () => {
  const type = types.Optional(types.UInt32);
  crosses(type, null, null);
  crosses(type, 7, uint64(7));
  const codec = compile(only(type));
  assertEquals(codec.check({}), undefined);
  assertEquals(codec.encode({} as { f: null }, writer), { f: null });
  assertEquals(codec.decode({}, reader), { f: null });
  unsendable(type, -1, "S.f: expected an integer from 0 to 4294967295, got -1");
  unreadable(
    type,
    int64(7),
    "S.f: expected uint64 from 0 to 4294967295, got int64 7",
  );
});

Deno.test("an Array of numbers is a typed array", () => {
  const { Array } = types;
  crosses(Array(types.Int32), Int32Array.of(-1, 2), [int64(-1), int64(2)]);
  crosses(Array(types.Int64), BigInt64Array.of(-1n), [int64(-1)]);
  crosses(Array(types.UInt32), Uint32Array.of(4294967295), [
    uint64(4294967295),
  ]);
  crosses(Array(types.UInt64), BigUint64Array.of(2n ** 64n - 1n), [
    uint64(2n ** 64n - 1n),
  ]);
  crosses(Array(types.Float32), Float32Array.of(0.5, NaN), [
    double(0.5),
    double(NaN),
  ]);
  crosses(Array(types.Float64), Float64Array.of(0.1), [double(0.1)]);
  crosses(Array(types.Int32), new Int32Array(0), []);
  unsendable(
    Array(types.Int32),
    [1, 2],
    "S.f: expected an Int32Array, got an array of 2",
  );
  unsendable(
    Array(types.Float32),
    new Float64Array(1),
    "S.f: expected a Float32Array, got a Float64Array of 8 bytes",
  );
  unreadable(
    Array(types.Int32),
    [int64(1), int64(2 ** 31)],
    "S.f[1]: expected int64 from -2147483648 to 2147483647, got int64 2147483648",
  );
  unreadable(
    Array(types.Int32),
    {},
    "S.f: expected an array, got a dictionary of 0 keys",
  );
});

Deno.test("any other Array is an array", () => {
  const { Array } = types;
  crosses(Array(types.Bool), [true, false], [true, false]);
  crosses(Array(types.String), [], []);
  crosses(Array(types.Optional(types.Int32)), [1, null], [int64(1), null]);
  crosses(Array(Array(types.Int32)), [Int32Array.of(1)], [[int64(1)]]);
  crosses(Array(types.Enum("a", "b")), ["b", "a"], ["b", "a"]);
  const transferred = new Float32Array(4);
  structuredClone(transferred, { transfer: [transferred.buffer] });
  unsendable(
    Array(types.Float32),
    transferred,
    "S.f: expected a Float32Array, got a Float32Array whose memory was transferred to another owner",
  );
  unsendable(Array(types.Bool), "ab", 'S.f: expected an array, got "ab"');
  unsendable(
    Array(Array(types.Bool)),
    [[true], [true, 0]],
    "S.f[1][1]: expected true or false, got 0",
  );
  unreadable(
    Array(types.Bool),
    [true, null],
    "S.f[1]: expected bool, got null",
  );
  unreadable(Array(types.Bool), null, "S.f: expected an array, got null");
});

Deno.test("a FixedArray has so many values, in both directions", () => {
  const { FixedArray } = types;
  const pair = FixedArray(types.Float32, 2);
  crosses(pair, Float32Array.of(0.5, 1), [double(0.5), double(1)]);
  crosses(FixedArray(types.Bool, 1), [true], [true]);
  crosses(FixedArray(types.Int64, 0), new BigInt64Array(0), []);
  crosses(
    FixedArray(pair, 3),
    [Float32Array.of(1, 2), Float32Array.of(3, 4), Float32Array.of(5, 6)],
    [[double(1), double(2)], [double(3), double(4)], [double(5), double(6)]],
  );
  for (const length of [0, 1, 3]) {
    const why = `expected 2 values, got ${length}`;
    const numbers = Array.from({ length }, () => double(1));
    unsendable(pair, new Float32Array(length), `S.f: ${why}`);
    unreadable(pair, numbers, `S.f: ${why}`);
    unsendable(
      FixedArray(pair, 1),
      [new Float32Array(length)],
      `S.f[0]: ${why}`,
    );
    unreadable(types.Array(pair), [numbers], `S.f[0]: ${why}`);
    unsendable(
      FixedArray(types.Bool, 2),
      Array.from({ length }, () => true),
      `S.f: ${why}`,
    );
    unreadable(
      FixedArray(types.Bool, 2),
      Array.from({ length }, () => true),
      `S.f: ${why}`,
    );
  }
  // A value that is not an array is reported as such, an element that does not fit by its index.
  unsendable(pair, [1, 2], "S.f: expected a Float32Array, got an array of 2");
  unsendable(pair, null, "S.f: expected a Float32Array, got null");
  unsendable(
    FixedArray(types.Bool, 2),
    [true, 1],
    "S.f[1]: expected true or false, got 1",
  );
  unreadable(pair, null, "S.f: expected an array, got null");
  unreadable(pair, {}, "S.f: expected an array, got a dictionary of 0 keys");
  unreadable(
    pair,
    [double(1), int64(1)],
    "S.f[1]: expected double in the range of a 32-bit float, got int64 1",
  );
});

Deno.test("a Struct is a dictionary, strict about its keys", () => {
  const type = types.Struct({
    x: types.Float32,
    inner: types.Struct({ name: types.String }),
  });
  crosses(type, { x: 0.5, inner: { name: "a" } }, {
    x: double(0.5),
    inner: { name: "a" },
  });
  unsendable(
    type,
    { x: 0.5, inner: { name: 1 } },
    "S.f.inner.name: expected a string without U+0000 or lone surrogates, got 1",
  );
  unsendable(
    type,
    { x: 0.5, inner: { name: "a" }, y: 1 },
    "S.f: expected no other fields, got the field 'y'",
  );
  unreadable(
    type,
    { x: double(0.5), inner: {} },
    "S.f.inner.name: expected string, got nothing",
  );
  unreadable(
    type,
    { x: double(0.5), inner: { name: "a", other: null } },
    "S.f.inner: expected no other fields, got the field 'other'",
  );
  unreadable(type, [], "S.f: expected a dictionary, got an array of 0");
});

Deno.test("a SchemaRef is as the named schema", () => {
  const Point = schema({
    name: "Point",
    version,
    fields: { x: types.Float32, y: types.Float32 },
  });
  const type = types.Array(types.SchemaRef(Point));
  crosses(type, [{ x: 1, y: 2 }], [{ x: double(1), y: double(2) }]);
  unsendable(
    type,
    [{ x: 1, y: 2 }, { x: 1 }],
    "S.f[1].y: expected a number in the range of a 32-bit float, got nothing",
  );
  unreadable(
    type,
    [{ x: double(1), y: int64(2) }],
    "S.f[0].y: expected double in the range of a 32-bit float, got int64 2",
  );
});

Deno.test("textures and buffers cross wherever they stand", () => {
  const type = types.Struct({
    eyes: types.Array(types.Texture("gray8")),
    sound: types.Optional(types.Buffer(types.Float32)),
  });
  const capabilities = new FakeCapabilities();
  const codec = compile(only(type));
  const frame = {
    f: {
      eyes: [surface("gray8"), surface("gray8")],
      sound: new Float32Array(8),
    },
  };
  const fields: XpcDictionary = codec.encode(frame, capabilities.writer);
  assertEquals(capabilities.sent.length, 3);
  assertEquals(codec.decode(fields, capabilities.reader), frame);
});
