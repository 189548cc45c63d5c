import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { laneLayout } from "../../../../proto/lane/agreed_layout.ts";
import * as types from "../../../../proto/schema/field_type.ts";
import type { Schema } from "../../../../proto/schema/field_type.ts";
import { VideoFrame } from "../../../../proto/schema/frames/video_frame.ts";
import {
  parseSchemas,
  schemaToJson,
} from "../../../../proto/schema/json/schema_json.ts";
import { Clock } from "../../../../proto/schema/marks/mark.ts";
import { schema } from "../../../../proto/schema/schema.ts";

function of(minor: number, fields: types.FieldDefinitions): Schema {
  return schema({ name: "S", version: { major: 1, minor, patch: 0 }, fields });
}

const added = (since: number) =>
  types.field(types.Optional(types.UInt32), "", { since });
const point = (name: string, fields: types.FieldDefinitions) =>
  schema({ name, version: { major: 1, minor: 0, patch: 0 }, fields });

Deno.test("schemas with the same layout at a minor version have the same text", () => {
  const one = of(1, {
    b: types.UInt32,
    a: types.Extended(types.Enum("x", "y"), 1, "z"),
    n: added(1),
  });
  const other = of(2, {
    a: types.Extended(types.Extended(types.Enum("x", "y"), 1, "z"), 2, "w"),
    n: added(1),
    b: types.field(types.UInt32, "described"),
    m: added(2),
  });
  assertEquals(laneLayout(one, 1), laneLayout(other, 1));
  assertEquals(laneLayout(one, 0), laneLayout(other, 0));
  assertNotEquals(laneLayout(one, 1), laneLayout(other, 2));
  const marked = of(0, { at: Clock(types.Int64) });
  assertEquals(
    laneLayout(marked, 0),
    laneLayout(of(0, { at: types.Int64 }), 0),
  );
});

Deno.test("any difference of the layout is one of the text", () => {
  const { UInt32, Bool, Optional, Array: List, FixedArray, Struct, Enum } =
    types;
  const fields: types.FieldDefinitions[] = [
    {},
    { a: UInt32 },
    { b: UInt32 },
    { a: UInt32, b: UInt32 },
    { a: Bool },
    { a: Optional(Bool) },
    { a: List(Bool) },
    { a: FixedArray(Bool, 1) },
    { a: FixedArray(Bool, 2) },
    { a: Struct({ a: Bool }) },
    { a: Struct({ b: Bool }) },
    { a: Struct({}) },
    { a: Enum("x") },
    { a: Enum("x", "y") },
    { a: Enum("y", "x") },
    { a: types.Buffer(types.Int8) },
    { a: types.Buffer(types.UInt8) },
    { a: types.Texture("any") },
    { a: types.Texture("gray8") },
    { a: types.SchemaRef(point("P", { x: UInt32 })) },
    { a: types.SchemaRef(point("Q", { x: UInt32 })) },
    { a: types.SchemaRef(point("P", { x: Bool })) },
    {
      a: types.SchemaRef(point("P", { x: UInt32 })),
      b: types.SchemaRef(point("P", { x: Bool })),
    },
  ];
  const texts = fields.map((fields) => laneLayout(of(0, fields), 0));
  assertEquals(new Set(texts).size, texts.length);
  // Additions of the same minor version that two sides have made apart.
  assertNotEquals(
    laneLayout(of(1, { n: added(1) }), 1),
    laneLayout(of(1, { m: added(1) }), 1),
  );
});

Deno.test("a schema is in the text once, however often it is referred to, in its base form", () => {
  const table = parseSchemas(Array.from({ length: 8 }, (_, n) => ({
    ...schemaToJson(VideoFrame),
    name: `L${n}`,
    fields: Array.from({ length: 256 }, (_, i) => ({
      name: `f${i}`,
      type: n === 0 ? "Bool" : { SchemaRef: `L${n - 1}` },
    })),
  })));
  const text = laneLayout(table.get("L7") as Schema, 0);
  assert(text.length < 100_000);
  const video = laneLayout(of(0, { v: types.SchemaRef(VideoFrame) }), 0);
  assert(!video.includes("color"));
});
