import { assert, assertEquals } from "@std/assert";
import * as types from "../../../../../proto/schema/field_type.ts";
import { schema } from "../../../../../proto/schema/schema.ts";
import {
  parseSchema,
  parseSchemas,
  type SchemaJson,
  schemaToJson,
} from "../../../../../proto/schema/json/schema_json.ts";
import { VideoFrame } from "../../../../../proto/schema/frames/video_frame.ts";
import { assertRefused } from "../../../../helpers/refused.ts";

const version = { major: 1, minor: 2, patch: 3 };

const Point = schema({
  name: "geometry.Point",
  version,
  fields: { x: types.Float32, y: types.Float32 },
});

const Everything = schema({
  name: "Everything",
  version,
  kind: "sensor",
  fields: {
    int32: types.field(types.Int32, "A small integer"),
    int64: types.Int64,
    uint32: types.UInt32,
    uint64: types.UInt64,
    float32: types.Float32,
    float64: types.Float64,
    bool: types.Bool,
    string: types.String,
    bytes: types.Bytes,
    texture: types.Texture("rgba8"),
    buffer: types.Buffer(types.Float32),
    array: types.Array(types.Array(types.Bool)),
    matrix: types.FixedArray(types.FixedArray(types.Float32, 4), 3),
    struct: types.Struct({
      a: types.field(types.Int32, "Inner"),
      b: types.Bool,
    }),
    optional: types.Optional(types.String),
    variant: types.Enum("on", "off"),
    point: types.SchemaRef(Point),
  },
});

const EVERYTHING: SchemaJson = {
  name: "Everything",
  version: { major: 1, minor: 2, patch: 3 },
  fields: [
    { name: "int32", description: "A small integer", type: "Int32" },
    { name: "int64", type: "Int64" },
    { name: "uint32", type: "UInt32" },
    { name: "uint64", type: "UInt64" },
    { name: "float32", type: "Float32" },
    { name: "float64", type: "Float64" },
    { name: "bool", type: "Bool" },
    { name: "string", type: "String" },
    { name: "bytes", type: "Bytes" },
    { name: "texture", type: { Texture: { format: "rgba8" } } },
    { name: "buffer", type: { Buffer: { element_type: "Float32" } } },
    { name: "array", type: { Array: { Array: "Bool" } } },
    {
      name: "matrix",
      type: {
        Array: {
          element: { Array: { element: "Float32", length: 4 } },
          length: 3,
        },
      },
    },
    {
      name: "struct",
      type: {
        Struct: {
          fields: [
            { name: "a", description: "Inner", type: "Int32" },
            { name: "b", type: "Bool" },
          ],
        },
      },
    },
    { name: "optional", type: { Optional: "String" } },
    { name: "variant", type: { Enum: ["on", "off"] } },
    { name: "point", type: { SchemaRef: "geometry.Point" } },
  ],
  read_behavior: "skip_to_latest",
  default_capacity: 64,
};

const TABLE = new Map([[Point.name, Point]]);

Deno.test("every field type has its JSON form", () => {
  assertEquals(schemaToJson(Everything), EVERYTHING);
});

Deno.test("a schema read from JSON is the schema that was written", () => {
  const read = parseSchema(JSON.parse(JSON.stringify(EVERYTHING)), TABLE);
  assertEquals(read, Everything);
  assert(Object.isFrozen(read.fields));
  assertEquals(schemaToJson(read), EVERYTHING);
  assertEquals(parseSchema(schemaToJson(VideoFrame, "full")), VideoFrame);
});

function refused(json: unknown, why: string): void {
  assertRefused(
    () => parseSchema(json, TABLE),
    "schema_mismatch",
    `Cannot use ${why}`,
  );
}

/** A schema's JSON with some keys replaced, or left out where `undefined`. */
function altered(part: Record<string, unknown>): unknown {
  const json = {
    name: "S",
    version,
    fields: [],
    read_behavior: "skip_to_latest",
    default_capacity: 16,
    ...part,
  };
  return JSON.parse(JSON.stringify(json));
}

Deno.test("JSON that is no schema is refused", () => {
  refused(null, "a schema: it is null, not an object");
  refused([], "a schema: it is an array of 0, not an object");
  refused("S", `a schema: it is "S", not an object`);
  refused({}, "a schema: 'name' is missing");
  refused({ name: 5 }, "a schema: name is 5, not a string");
  refused(altered({ version: undefined }), "schema 'S': 'version' is missing");
  refused(altered({ fields: undefined }), "schema 'S': 'fields' is missing");
  refused(
    altered({ kind: "video" }),
    "schema 'S': it has the key 'kind', and only name, version, fields, read_behavior, default_capacity are known",
  );
  refused(
    altered({ version: "1.0.0" }),
    `schema 'S', version: it is "1.0.0", not an object`,
  );
  refused(
    altered({ version: { major: 1, minor: 0 } }),
    "schema 'S', version: 'patch' is missing",
  );
  refused(
    altered({ version: { ...version, major: "1" } }),
    `schema 'S': version.major is "1", not an integer from 0 to 4294967295`,
  );
  refused(
    altered({ read_behavior: null }),
    "schema 'S': read_behavior is null, not one of skip_to_latest, read_next_in_order",
  );
  refused(
    altered({ default_capacity: "16" }),
    `schema 'S': default_capacity is "16", not an integer from 1 to 65536`,
  );
  refused(
    altered({ default_capacity: null }),
    "schema 'S': default_capacity is null, not an integer from 1 to 65536",
  );
  refused(
    altered({ fields: {} }),
    "schema 'S': 'fields' is an object, not an array",
  );
});

Deno.test("JSON that is no field is refused, at its path", () => {
  const fields = (...fields: unknown[]): unknown => altered({ fields });
  refused(fields(1), "schema 'S', 'fields[0]': it is 1, not an object");
  refused(fields({ name: "a" }), "schema 'S', 'fields[0]': 'type' is missing");
  refused(
    fields({ name: "a", type: "Int32", shape: [3] }),
    "schema 'S', 'fields[0]': it has the key 'shape', and only name, type, description, mark, since are known",
  );
  refused(
    fields({ name: 1, type: "Int32" }),
    "schema 'S', 'fields[0]': name is 1, not a string",
  );
  refused(
    fields({ name: "a", type: "Int32", description: null }),
    "schema 'S', field 'a': description is null, not a string",
  );
  refused(
    fields({ name: "a", type: "Int32" }, { name: "a", type: "Bool" }),
    "schema 'S', 'fields[1]': another field is called 'a'",
  );
  refused(
    fields(...Array.from({ length: 257 }, () => 0)),
    "schema 'S': 'fields' has 257 fields; at most 256 are allowed",
  );
  refused(
    JSON.parse(
      JSON.stringify(fields({ name: "x", type: "Int32" }))
        .replace('"x"', '"__proto__"'),
    ),
    `schema 'S': the field name "__proto__" is a name that every object has`,
  );
  refused(
    fields({
      name: "a",
      type: { Struct: { fields: [{ name: "b", type: { Optional: "Int8" } }] } },
    }),
    `schema 'S', field 'a.b': "Int8" is not a type; without parameters there are Int32, Int64, UInt32, UInt64, Float32, Float64, Bool, String, Bytes`,
  );
  refused(
    fields({ name: "a", type: { Struct: { fields: [0] } } }),
    "schema 'S', 'a.fields[0]': it is 0, not an object",
  );
});

Deno.test("JSON that is no type is refused, at its field", () => {
  const type = (type: unknown, why: string): void =>
    refused(
      altered({ fields: [{ name: "a", type }] }),
      `schema 'S', field 'a': ${why}`,
    );
  type(5, "its type is 5, not a string or an object");
  type([], "its type is an array of 0, not a string or an object");
  type(
    {},
    "its type is an object of 0 keys; it must have one, the type's name",
  );
  type(
    { Array: "Int32", Optional: "Int32" },
    "its type is an object of 2 keys; it must have one, the type's name",
  );
  type(
    { Map: "Int32" },
    `"Map" is not a type; with parameters there are Texture, Buffer, Array, Struct, Optional, Enum, SchemaRef`,
  );
  type({ Texture: "rgba8" }, `it is "rgba8", not an object`);
  type({ Texture: {} }, "'format' is missing");
  type(
    { Texture: { format: "nv21" } },
    `the texture's format is "nv21", not one of bgra8, rgba8, rgba16f, gray8, gray16, rgb10a2, nv12, i420, p010, any`,
  );
  type(
    { Buffer: { element_type: "Bool" } },
    `the buffer's element_type is "Bool", not one of Int32, Int64, UInt32, UInt64, Float32, Float64, Int8, UInt8, Int16, UInt16, Float16`,
  );
  type(
    { Array: ["Int32", 3] },
    "its type is an array of 2, not a string or an object",
  );
  type({ Array: { element: "Int32" } }, "'length' is missing");
  type({ Array: { length: 3 } }, "'element' is missing");
  type(
    { Array: { element: "Int32", length: 3, shape: [3] } },
    "it has the key 'shape', and only element, length are known",
  );
  type(
    { Array: { element: "Int8", length: 3 } },
    `"Int8" is not a type; without parameters there are Int32, Int64, UInt32, UInt64, Float32, Float64, Bool, String, Bytes`,
  );
  for (const length of ["3", null, -1, 0.5, 2 ** 20 + 1]) {
    type(
      { Array: { element: "Int32", length } },
      `the Array's length is ${
        JSON.stringify(length)
      }, not an integer from 0 to 1048576`,
    );
  }
  type({ Enum: "on" }, `the Enum is "on", not an array`);
  type({ Enum: [1] }, "a variant is 1, not a string");
  type({ Enum: [] }, "an Enum needs a variant");
  type({ SchemaRef: 1 }, "the SchemaRef is 1, not a string");
  type({ SchemaRef: "Nowhere" }, "there is no schema 'Nowhere' to refer to");
  type(
    { Optional: { Optional: "Bool" } },
    "an Optional of an Optional has two ways to say null",
  );
});

/** The type `Int32` within `levels - 1` arrays. */
function nested(levels: number): unknown {
  return levels === 1 ? "Int32" : { Array: nested(levels - 1) };
}

Deno.test("types nest at most 16 deep, and far deeper ones do no harm", () => {
  const deep = (levels: number): unknown =>
    altered({ fields: [{ name: "a", type: nested(levels) }] });
  assertEquals(parseSchema(deep(16)).nesting, 16);
  const why = "schema 'S', field 'a': types are nested more than 16 deep";
  refused(deep(17), why);
  refused(deep(2_000), why);
});

Deno.test("schemas can refer to each other in any order", () => {
  const ref = (name: string, to: string): unknown =>
    altered({ name, fields: [{ name: "a", type: { SchemaRef: to } }] });
  const leaf = altered({ name: "C", fields: [{ name: "x", type: "Bool" }] });
  const table = parseSchemas([ref("A", "B"), leaf, ref("B", "C")]);
  assertEquals([...table.keys()].sort(), ["A", "B", "C"]);
  assertEquals(table.get("A")?.nesting, 3);
  const type = table.get("A")?.fields["a"]?.type;
  assert(type?.kind === "SchemaRef" && type.schema === table.get("B"));
});

Deno.test("circles, strangers and namesakes among schemas are refused", () => {
  const ref = (name: string, to: string): unknown =>
    altered({ name, fields: [{ name: "a", type: { SchemaRef: to } }] });
  const refusedAll = (list: unknown[], why: string): void =>
    assertRefused(
      () => parseSchemas(list),
      "schema_mismatch",
      `Cannot use ${why}`,
    );
  refusedAll(
    [ref("A", "A")],
    "schema 'A', field 'a': the schemas refer to themselves: A → A",
  );
  refusedAll(
    [ref("A", "B"), ref("B", "C"), ref("C", "B")],
    "schema 'C', field 'a': the schemas refer to themselves: A → B → C → B",
  );
  refusedAll(
    [ref("A", "B")],
    "schema 'A', field 'a': there is no schema 'B' to refer to",
  );
  refusedAll(
    [altered({ name: "A" }), altered({ name: "A" })],
    "schema 'A': there is another schema of that name",
  );
  const chain = Array.from(
    { length: 5_000 },
    (_, i) => ref(`S${i}`, `S${i + 1}`),
  );
  refusedAll(
    [...chain, altered({ name: "S5000" })],
    "schema 'S15', field 'a': types are nested more than 16 deep",
  );
});

Deno.test("references fan out without being walked again: 256 ^ 12 of them are read at once", () => {
  const level = (n: number): unknown =>
    altered({
      name: `L${n}`,
      fields: Array.from({ length: 256 }, (_, i) => ({
        name: `f${i}`,
        type: n === 0 ? "Bool" : { SchemaRef: `L${n - 1}` },
      })),
    });
  const table = parseSchemas(Array.from({ length: 13 }, (_, n) => level(n)));
  assertEquals(table.get("L12")?.nesting, 13);
});
