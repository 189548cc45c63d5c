import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { Misfit } from "../../../../proto/wire/misfit.ts";
import * as scalar from "../../../../proto/wire/scalar_codec.ts";
import type {
  CapabilityReader,
  CapabilityWriter,
  TypeCodec,
} from "../../../../proto/wire/type_codec.ts";
import {
  Capability,
  double,
  int64,
  uint64,
  XpcNumber,
  type XpcValue,
} from "../../../../proto/wire/xpc_value.ts";
import { Enum } from "../../../../proto/schema/field_type.ts";
import { TERMS } from "../../../helpers/agreed_terms.ts";

const WRITER = {} as CapabilityWriter;
const READER = {} as CapabilityReader;

/** Checks that `value` is encoded as `xpc`, and decoded to `back`. */
function crosses(
  codec: TypeCodec,
  value: unknown,
  xpc: XpcValue,
  back: unknown = value,
): void {
  assertEquals(codec.check(value), undefined);
  assertEquals(codec.encode(value, WRITER), xpc);
  assertStrictEquals(codec.decode(xpc, READER), back);
}

/** Checks that `value` cannot be sent. */
function unsendable(
  codec: TypeCodec,
  value: unknown,
  expected: string,
  got: string,
): void {
  assertEquals(codec.check(value), new Misfit("", "", expected, got));
}

/** Checks that `xpc` cannot be received. */
function unreadable(
  codec: TypeCodec,
  xpc: XpcValue | undefined,
  expected: string,
  got: string,
): void {
  assertEquals(codec.decode(xpc, READER), new Misfit("", "", expected, got));
}

Deno.test("Int32 crosses as int64, within its limits", () => {
  const codec = scalar.INT32;
  for (const value of [0, 1, -1, 2147483647, -2147483648]) {
    crosses(codec, value, int64(value));
  }
  crosses(codec, -0, int64(0), 0);
  const ours = "an integer from -2147483648 to 2147483647";
  unsendable(codec, 2147483648, ours, "2147483648");
  unsendable(codec, -2147483649, ours, "-2147483649");
  unsendable(codec, 1.5, ours, "1.5");
  unsendable(codec, NaN, ours, "NaN");
  unsendable(codec, Infinity, ours, "Infinity");
  unsendable(codec, 1n, ours, "1n");
  unsendable(codec, "1", ours, '"1"');
  unsendable(codec, undefined, ours, "nothing");
  const theirs = "int64 from -2147483648 to 2147483647";
  unreadable(codec, int64(2147483648), theirs, "int64 2147483648");
  unreadable(codec, int64(-2147483649), theirs, "int64 -2147483649");
  unreadable(codec, int64(-(2n ** 63n)), theirs, "int64 -9223372036854775808");
  unreadable(codec, uint64(1), theirs, "uint64 1");
  unreadable(codec, double(1), theirs, "double 1");
  unreadable(codec, undefined, theirs, "nothing");
});

Deno.test("UInt32 crosses as uint64, within its limits", () => {
  const codec = scalar.UINT32;
  for (const value of [0, 1, 2147483648, 4294967295]) {
    crosses(codec, value, uint64(value));
  }
  const ours = "an integer from 0 to 4294967295";
  unsendable(codec, 4294967296, ours, "4294967296");
  unsendable(codec, -1, ours, "-1");
  unsendable(codec, 0.5, ours, "0.5");
  unsendable(codec, null, ours, "null");
  const theirs = "uint64 from 0 to 4294967295";
  unreadable(codec, uint64(4294967296), theirs, "uint64 4294967296");
  unreadable(
    codec,
    uint64(2n ** 64n - 1n),
    theirs,
    "uint64 18446744073709551615",
  );
  unreadable(codec, int64(1), theirs, "int64 1");
  unreadable(codec, null, theirs, "null");
});

Deno.test("Int64 crosses as int64, a bigint", () => {
  const codec = scalar.INT64;
  for (const value of [0n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n]) {
    crosses(codec, value, int64(value));
  }
  const ours = "a bigint from -2^63 to 2^63 - 1";
  unsendable(codec, 2n ** 63n, ours, "9223372036854775808n");
  unsendable(codec, -(2n ** 63n) - 1n, ours, "-9223372036854775809n");
  unsendable(codec, 5, ours, "5");
  unsendable(codec, 10n ** 80n, ours, `1${"0".repeat(59)}…n`);
  unreadable(codec, uint64(5), "int64", "uint64 5");
  unreadable(codec, "5", "int64", 'string "5"');
});

Deno.test("UInt64 crosses as uint64, a bigint", () => {
  const codec = scalar.UINT64;
  for (const value of [0n, 2n ** 64n - 1n]) {
    crosses(codec, value, uint64(value));
  }
  const ours = "a bigint from 0 to 2^64 - 1";
  unsendable(codec, 2n ** 64n, ours, "18446744073709551616n");
  unsendable(codec, -1n, ours, "-1n");
  unsendable(codec, 5, ours, "5");
  unreadable(codec, int64(5), "uint64", "int64 5");
  unreadable(codec, new Uint8Array(8), "uint64", "data of 8 bytes");
});

Deno.test("Float32 crosses as double, rounded to 32 bits, never to infinity", () => {
  const codec = scalar.FLOAT32;
  const largest = 2 ** 127 * (2 - 2 ** -23);
  for (
    const value of [
      0,
      -0,
      1.5,
      largest,
      -largest,
      2 ** -149,
      NaN,
      Infinity,
      -Infinity,
    ]
  ) crosses(codec, value, double(value));
  crosses(codec, 0.1, double(0.10000000149011612), 0.10000000149011612);
  crosses(codec, 2 ** -151, double(0), 0);
  // A value from a peer that does not round is rounded on receipt.
  assertStrictEquals(codec.decode(double(0.1), READER), 0.10000000149011612);
  const ours = "a number in the range of a 32-bit float";
  const beyond = 2 ** 128;
  unsendable(codec, beyond, ours, "3.402823669209385e+38");
  unsendable(codec, -beyond, ours, "-3.402823669209385e+38");
  unsendable(codec, 1n, ours, "1n");
  const theirs = "double in the range of a 32-bit float";
  unreadable(codec, double(beyond), theirs, "double 3.402823669209385e+38");
  unreadable(codec, int64(1), theirs, "int64 1");
});

Deno.test("Float64 crosses as double", () => {
  const codec = scalar.FLOAT64;
  for (const value of [0, -0, 0.1, Number.MAX_VALUE, 5e-324, NaN, -Infinity]) {
    crosses(codec, value, double(value));
  }
  unsendable(codec, 1n, "a number", "1n");
  unsendable(codec, "1", "a number", '"1"');
  unreadable(codec, int64(1), "double", "int64 1");
  unreadable(codec, true, "double", "bool true");
});

Deno.test("Bool crosses as bool", () => {
  crosses(scalar.BOOL, true, true);
  crosses(scalar.BOOL, false, false);
  unsendable(scalar.BOOL, 1, "true or false", "1");
  unreadable(scalar.BOOL, int64(1), "bool", "int64 1");
  unreadable(scalar.BOOL, null, "bool", "null");
});

Deno.test("String crosses as string, if UTF-8 without U+0000 can hold it", () => {
  for (const value of ["", "a", "€", "\u{1f600}", "\u0001", "\uffff"]) {
    crosses(scalar.STRING, value, value);
  }
  const ours = "a string without U+0000 or lone surrogates";
  unsendable(scalar.STRING, "a\0b", ours, String.raw`"a\u0000b"`);
  unsendable(scalar.STRING, "\ud800", ours, String.raw`"\ud800"`);
  unsendable(scalar.STRING, 5, ours, "5");
  unsendable(
    scalar.STRING,
    `\0${"x".repeat(999)}`,
    ours,
    `"\\u0000${"x".repeat(59)}"… (1000 characters)`,
  );
  unreadable(scalar.STRING, uint64(5), "string", "uint64 5");
  unreadable(scalar.STRING, ["a"], "string", "an array of 1");
  unreadable(scalar.STRING, { a: null }, "string", "a dictionary of 1 keys");
});

Deno.test("Bytes cross as data, not copied", () => {
  const bytes = Uint8Array.of(1, 2, 3);
  assertEquals(scalar.BYTES.check(bytes), undefined);
  assert(scalar.BYTES.encode(bytes, WRITER) === bytes);
  assert(scalar.BYTES.decode(bytes, READER) === bytes);
  unsendable(scalar.BYTES, [1], "a Uint8Array", "an array of 1");
  unsendable(
    scalar.BYTES,
    new Float32Array(2),
    "a Uint8Array",
    "a Float32Array of 8 bytes",
  );
  unsendable(scalar.BYTES, () => 1, "a Uint8Array", "a function");
  const transferred = new Uint8Array(8);
  structuredClone(transferred, { transfer: [transferred.buffer] });
  unsendable(
    scalar.BYTES,
    transferred,
    "a Uint8Array",
    "a Uint8Array whose memory was transferred to another owner",
  );
  unreadable(scalar.BYTES, "abc", "data", 'string "abc"');
  unreadable(
    scalar.BYTES,
    new Capability("shmem", 1),
    "data",
    "a capability, shmem",
  );
});

Deno.test("Enum crosses as its variant's name", () => {
  const codec = scalar.enumCodec(Enum("on", "off"), TERMS);
  crosses(codec, "on", "on");
  crosses(codec, "off", "off");
  unsendable(codec, "On", 'one of "on", "off"', '"On"');
  unsendable(codec, 0, 'one of "on", "off"', "0");
  unsendable(codec, "constructor", 'one of "on", "off"', '"constructor"');
  unreadable(codec, "dim", 'string, one of "on", "off"', 'string "dim"');
  unreadable(codec, uint64(0), 'string, one of "on", "off"', "uint64 0");
  unreadable(codec, undefined, 'string, one of "on", "off"', "nothing");
});

Deno.test("what is encoded can be sent: integers cross as bigints", () => {
  for (const codec of [scalar.INT32, scalar.UINT32]) {
    const xpc = codec.encode(5, WRITER);
    assert(xpc instanceof XpcNumber && xpc.value === 5n);
  }
});
