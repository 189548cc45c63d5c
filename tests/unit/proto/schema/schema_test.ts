import { assert, assertEquals } from "@std/assert";
import {
  Array,
  Bytes,
  Enum,
  type FieldDefinitions,
  FixedArray,
  Int32,
  Optional,
  SchemaRef,
  Struct,
  Texture,
  UInt8,
} from "../../../../proto/schema/field_type.ts";
import type { Schema } from "../../../../proto/schema/field_type.ts";
import {
  type FrameKind,
  schema,
  type SchemaDefinition,
} from "../../../../proto/schema/schema.ts";
import { assertRefused } from "../../../helpers/refused.ts";

const version = { major: 1, minor: 0, patch: 0 };

function make(part: Partial<SchemaDefinition<FieldDefinitions>>): Schema {
  return schema({ name: "S", version, fields: {}, ...part });
}

function refused(
  part: Partial<SchemaDefinition<FieldDefinitions>>,
  why: string,
): void {
  assertRefused(
    () => make(part),
    "schema_mismatch",
    `Cannot use schema ${why}`,
  );
}

Deno.test("the kind decides the port's defaults, and can be overruled", () => {
  const defaults = (kind?: FrameKind): unknown[] => {
    const made = make(kind === undefined ? {} : { kind });
    return [made.read_behavior, made.default_capacity];
  };
  assertEquals(defaults("video"), ["skip_to_latest", 4]);
  assertEquals(defaults("audio"), ["read_next_in_order", 32]);
  assertEquals(defaults("control"), ["read_next_in_order", 2]);
  assertEquals(defaults("sensor"), ["skip_to_latest", 64]);
  assertEquals(defaults("other"), ["skip_to_latest", 16]);
  assertEquals(defaults(), ["skip_to_latest", 16]);
  const made = make({
    kind: "audio",
    read_behavior: "skip_to_latest",
    default_capacity: 1,
  });
  assertEquals([made.read_behavior, made.default_capacity], [
    "skip_to_latest",
    1,
  ]);
});

Deno.test("a schema is immutable, and does not follow what it was made from", () => {
  const mutable = { major: 1, minor: 2, patch: 3 };
  const made = make({ version: mutable, fields: { a: Int32 } });
  mutable.major = 9;
  assertEquals(made.version.major, 1);
  assertEquals(made.fields, { a: { type: Int32 } });
  for (const part of [made, made.version, made.fields, made.fields["a"]]) {
    assert(Object.isFrozen(part));
  }
});

Deno.test("names: letters, digits and '_', not a digit first", () => {
  const fields = (name: string): FieldDefinitions => ({ [name]: Int32 });
  make({ name: "com.example.Pose_2", fields: fields("_a1") });
  make({ fields: fields("a".repeat(64)) });
  make({ name: `${"a".repeat(63)}.${"b".repeat(64)}` });
  const rule = "is not a letter or '_' followed by letters, digits and '_'";
  refused({ name: "" }, `'': the name's part "" ${rule}`);
  refused({ name: "a..b" }, `'a..b': the name's part "" ${rule}`);
  refused({ name: "a\n" }, `'a\\n': the name's part "a\\n" ${rule}`);
  refused(
    { name: "a".repeat(65) },
    `'${"a".repeat(60)}…': the name's part "${
      "a".repeat(60)
    }"… (65 characters) is longer than 64 characters`,
  );
  refused(
    { name: `${"a".repeat(64)}.${"b".repeat(64)}` },
    `'${"a".repeat(60)}…': its name is longer than 128 characters`,
  );
  refused({ fields: fields("1a") }, `'S': the field name "1a" ${rule}`);
  refused({ fields: fields("é") }, `'S': the field name "é" ${rule}`);
  refused(
    { fields: fields("a".repeat(65)) },
    `'S': the field name "${
      "a".repeat(60)
    }"… (65 characters) is longer than 64 characters`,
  );
  for (const name of ["constructor", "toString", "hasOwnProperty"]) {
    refused(
      { fields: fields(name) },
      `'S': the field name "${name}" is a name that every object has`,
    );
  }
  refused(
    { fields: { a: Struct({ "b c": Int32 }) } },
    `'S': the field name "b c" ${rule}`,
  );
});

Deno.test("numbers: version parts of 32 bits, capacity from 1 to 65536", () => {
  make({ version: { major: 0xffff_ffff, minor: 0, patch: 0 } });
  make({ default_capacity: 1 });
  make({ default_capacity: 65_536 });
  refused(
    { version: { major: 0x1_0000_0000, minor: 0, patch: 0 } },
    "'S': version.major is 4294967296, not an integer from 0 to 4294967295",
  );
  refused(
    { version: { major: 1, minor: -1, patch: 0 } },
    "'S': version.minor is -1, not an integer from 0 to 4294967295",
  );
  refused(
    { version: { major: 1, minor: 0, patch: 0.5 } },
    "'S': version.patch is 0.5, not an integer from 0 to 4294967295",
  );
  const range = "not an integer from 1 to 65536";
  refused({ default_capacity: 0 }, `'S': default_capacity is 0, ${range}`);
  refused(
    { default_capacity: 65_537 },
    `'S': default_capacity is 65537, ${range}`,
  );
  refused(
    { read_behavior: "latest" as "skip_to_latest" },
    `'S': read_behavior is "latest", not one of skip_to_latest, read_next_in_order`,
  );
});

Deno.test("the length of a FixedArray: an integer from 0 to 1048576", () => {
  const fixed = (length: number): FieldDefinitions => ({
    a: Optional(FixedArray(Int32, length)),
  });
  make({ fields: fixed(0) });
  make({ fields: fixed(2 ** 20) });
  for (const length of [-1, 0.5, NaN, Infinity, 2 ** 20 + 1, undefined]) {
    refused(
      { fields: fixed(length as number) },
      `'S', field 'a': the Array's length is ${length}, not an integer from 0 to 1048576`,
    );
  }
});

Deno.test("at most 256 fields, those of structs included", () => {
  const fields = (count: number): FieldDefinitions =>
    Object.fromEntries(
      globalThis.Array.from({ length: count }, (_, i) => [`f${i}`, Int32]),
    );
  make({ fields: fields(256) });
  make({ fields: { a: Struct(fields(255)) } });
  refused(
    { fields: fields(257) },
    "'S': it has 257 fields; at most 256 are allowed",
  );
  refused(
    { fields: { a: Optional(Array(Struct(fields(256)))) } },
    "'S': it has 257 fields; at most 256 are allowed",
  );
});

Deno.test("types nest at most 16 deep, through referred schemas as well", () => {
  const arrays = (levels: number): Array => {
    let type = Array(Int32);
    for (let i = 2; i < levels; i++) type = Array(type) as never;
    return type;
  };
  assertEquals(make({}).nesting, 0);
  assertEquals(make({ fields: { a: Int32 } }).nesting, 1);
  const Deep = make({ name: "Deep", fields: { a: arrays(16) } });
  assertEquals(Deep.nesting, 16);
  refused(
    { fields: { a: arrays(17) } },
    "'S': its types are nested 17 deep; at most 16 is allowed",
  );
  refused(
    { fields: { a: SchemaRef(Deep) } },
    "'S': its types are nested 17 deep; at most 16 is allowed",
  );
  const Shallow = make({ name: "Shallow", fields: { a: Int32 } });
  const Outer = make({
    fields: { s: Struct({ o: Optional(SchemaRef(Shallow)) }) },
  });
  assertEquals(Outer.nesting, 4);
});

Deno.test("the parameters of types are checked, at the field's path", () => {
  refused(
    { fields: { t: Texture("nv21" as "any") } },
    `'S', field 't': the texture's format is "nv21", not one of bgra8, rgba8, rgba16f, gray8, gray16, rgb10a2, nv12, i420, p010, any`,
  );
  refused(
    { fields: { b: { kind: "Buffer", element_type: "Bool" as "Int32" } } },
    `'S', field 'b': the buffer's element_type is "Bool", not one of Int32, Int64, UInt32, UInt64, Float32, Float64, Int8, UInt8, Int16, UInt16, Float16`,
  );
  refused(
    { fields: { a: Array(UInt8 as unknown as typeof Bytes) } },
    "'S', field 'a': UInt8 is only for the elements of a buffer: Buffer(UInt8); a field is an Int32, UInt32 or Float32",
  );
  refused(
    { fields: { o: Optional(Optional(Bytes)) } },
    "'S', field 'o': an Optional of an Optional has two ways to say null",
  );
  refused({ fields: { e: Enum() } }, "'S', field 'e': an Enum needs a variant");
  refused(
    { fields: { s: Struct({ e: Array(Enum("a", "b", "a")) }) } },
    `'S', field 's.e': the variant "a" is there twice`,
  );
  refused(
    { fields: { e: Enum("a", "") } },
    `'S', field 'e': a variant is "", not of 1 to 128 characters`,
  );
  refused(
    { fields: { e: Enum("\0") } },
    String
      .raw`'S', field 'e': a variant is "\u0000", which an XPC string cannot hold`,
  );
  refused(
    { fields: { e: Enum("\ud800") } },
    String
      .raw`'S', field 'e': a variant is "\ud800", which has a lone surrogate`,
  );
  refused(
    { fields: { d: { type: Int32, description: "\udfff" } } },
    String
      .raw`'S', field 'd': description is "\udfff", which has a lone surrogate`,
  );
  make({ fields: { e: Enum("a".repeat(128)) } });
  refused(
    { fields: { e: Enum("a".repeat(129)) } },
    `'S', field 'e': a variant is "${
      "a".repeat(60)
    }"… (129 characters), not of 1 to 128 characters`,
  );
});
