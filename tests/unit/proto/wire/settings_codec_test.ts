import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  Bool,
  Bytes,
  Enum,
  Float32,
  Float64,
  Int32,
  Int64,
  String,
  Texture,
  UInt32,
  UInt64,
} from "../../../../proto/schema/field_type.ts";
import {
  setting,
  type SettingMap,
  type SettingType,
  type SettingValue,
} from "../../../../proto/schema/settings.ts";
import { BridgeError } from "../../../../proto/errors.ts";
import { Misfit } from "../../../../proto/wire/misfit.ts";
import { SettingsCodec } from "../../../../proto/wire/settings_codec.ts";
import { double, int64 } from "../../../../proto/wire/xpc_value.ts";

const CODEC = new SettingsCodec({
  amount: setting(Float32, { default: 0.1, minimum: 0.1, maximum: 0.3 }),
  least: setting(Int32, { default: 0, minimum: -5 }),
  most: setting(UInt64, { default: 0n, maximum: 7n }),
  free: setting(Float64, { default: NaN }),
  mode: setting(Enum("a", "b"), { default: "b" }),
});

Deno.test("the defaults are valid, and cross as they are", () => {
  assertEquals(CODEC.check(CODEC.defaults), undefined);
  assertEquals(CODEC.decode(CODEC.encode(CODEC.defaults)), {
    ...CODEC.defaults,
    amount: Math.fround(0.1),
  });
});

Deno.test("a limit that a Float32 cannot hold exactly is a valid value on both sides", () => {
  for (const amount of [0.1, 0.3, Math.fround(0.3)]) {
    assertEquals(CODEC.check({ amount }), undefined);
    assert(!(CODEC.decode(CODEC.encode({ amount })) instanceof Misfit));
  }
});

Deno.test("a value beyond a limit is refused, from here and from a peer", () => {
  const text = (values: Record<string, number | bigint | string>): unknown =>
    CODEC.check(values)?.message;
  assertEquals(
    text({ amount: 0.31 }),
    "settings.amount: expected a number from 0.1 to 0.3, got 0.31",
  );
  assertEquals(
    text({ amount: NaN }),
    "settings.amount: expected a number from 0.1 to 0.3, got NaN",
  );
  assertEquals(
    text({ least: -6 }),
    "settings.least: expected an integer from -5 to 2147483647, got -6",
  );
  assertEquals(
    text({ most: 8n }),
    "settings.most: expected a bigint from 0 to 7, got 8n",
  );
  const decoded = (body: Record<string, ReturnType<typeof double>>): unknown =>
    (CODEC.decode(body) as Misfit).message;
  assertEquals(
    decoded({ least: int64(-6) }),
    "settings.least: expected an integer from -5 to 2147483647, got -6",
  );
  assertEquals(
    decoded({ least: double(1) }),
    "settings.least: expected int64 from -2147483648 to 2147483647, got double 1",
  );
  assertEquals(
    decoded({ other: double(1) }),
    "settings: expected no other fields, got the field 'other'",
  );
});

/** Values that do not fit a setting's type or its limits: what is expected, and what was found. */
const OUT_OF_RANGE: [
  type: SettingType,
  limits: { minimum?: number | bigint; maximum?: number | bigint },
  value: unknown,
  words: string,
][] = [
  [UInt32, { minimum: 1, maximum: 9 }, -1, "an integer from 1 to 9, got -1"],
  [UInt32, { minimum: 1, maximum: 9 }, 0, "an integer from 1 to 9, got 0"],
  [UInt32, { minimum: 1, maximum: 9 }, 1.5, "an integer from 1 to 9, got 1.5"],
  [UInt32, { minimum: 1 }, -1, "an integer from 1 to 4294967295, got -1"],
  [UInt32, {}, -1, "an integer from 0 to 4294967295, got -1"],
  [Int32, { maximum: 9 }, "1", 'an integer from -2147483648 to 9, got "1"'],
  [UInt64, { minimum: 1n }, 0n, "a bigint from 1 to 2^64 - 1, got 0n"],
  [Int64, { maximum: 9n }, 1, "a bigint from -2^63 to 9, got 1"],
  [
    Float32,
    { minimum: 0, maximum: 1 },
    "0.1",
    'a number from 0 to 1, got "0.1"',
  ],
  [Float32, { minimum: 0 }, 1e39, "a number of at least 0, got 1e+39"],
  [Float32, {}, "0.1", 'a number in the range of a 32-bit float, got "0.1"'],
  [Float64, { minimum: 0 }, null, "a number of at least 0, got null"],
  [Float64, { maximum: 1 }, 2, "a number of at most 1, got 2"],
];

for (const [type, limits, value, words] of OUT_OF_RANGE) {
  const { minimum, maximum } = limits;
  const what = `a ${type.kind} from ${minimum} to ${maximum}`;
  Deno.test(`the range of a setting is told, not its type's: ${what}, ${words}`, () => {
    const one = { type, ...limits, default: minimum ?? maximum ?? 0 };
    const codec = new SettingsCodec({ radius: one });
    const misfit = codec.check({ radius: value as SettingValue });
    assertEquals(misfit?.message, `settings.radius: expected ${words}`);
  });
}

Deno.test("a name that every object has is no setting", () => {
  for (const name of ["constructor", "toString", "__proto__x"]) {
    const misfit = CODEC.check({ [name]: 1 });
    assertEquals(
      misfit?.message,
      `settings: expected one of amount, least, most, free, mode, got '${name}'`,
    );
  }
});

/** What is wrong with each declaration. */
const WRONG: [declared: unknown, words: string][] = [
  [
    { a: setting(Float32, { default: 2, maximum: 1 }) },
    "'a': its default: settings.a: expected a number of at most 1, got 2",
  ],
  [{ a: setting(Int32, { default: 0.5 }) }, "'a': its default"],
  [{ a: setting(Int32, { default: 0, minimum: 0.5 }) }, "'a': its minimum"],
  [
    { a: setting(Float64, { default: 0, minimum: NaN }) },
    "'a': its minimum is NaN",
  ],
  [
    { a: setting(Int32, { default: 1, minimum: 2, maximum: 1 }) },
    "minimum 2 is above its maximum 1",
  ],
  [{ a: { type: Bool, default: true, minimum: 1 } }, "a Bool has no minimum"],
  [
    { a: { type: String, default: "", maximum: "z" } },
    "a String has no maximum",
  ],
  [
    { a: { type: Bytes, default: new Uint8Array() } },
    "its type is Bytes; a setting is a Bool, Int32",
  ],
  [{ a: { type: Texture("any"), default: 1 } }, "its type is Texture"],
  [
    { a: setting(Int64, { default: 1 as unknown as bigint }) },
    "'a': its default",
  ],
  [{ "a b": setting(Bool, { default: true }) }, "'a b'"],
  [
    { constructor: setting(Bool, { default: true }) },
    "a name that every object has",
  ],
];

for (const [declared, words] of WRONG) {
  Deno.test(`a declaration is refused: ${words}`, () => {
    const error = assertThrows(
      () => new SettingsCodec(declared as SettingMap),
      BridgeError,
    );
    assertEquals(error.code, "schema_mismatch");
    assert(error.message.replaceAll('"', "'").includes(words), error.message);
  });
}

Deno.test("a setting keeps its type", () => {
  const one = setting(Enum("a", "b"), { default: "a" });
  const type: SettingType = one.type;
  assertEquals(type.kind, "Enum");
  // @ts-expect-error the default is no variant
  setting(Enum("a", "b"), { default: "c" });
  // @ts-expect-error a Bool has no limits
  setting(Bool, { default: true, minimum: false });
});
