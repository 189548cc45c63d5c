import { assert, assertEquals } from "@std/assert";
import {
  Array as List,
  Buffer,
  Enum,
  type FieldDefinitions,
  type FieldType,
  Float32,
  Int32,
  Int64,
  Optional,
  Struct,
  Texture,
  UInt32,
  UInt64,
} from "../../../../../proto/schema/field_type.ts";
import {
  Clock,
  Count,
  markOf,
  Mirror,
  mirrorTarget,
} from "../../../../../proto/schema/marks/mark.ts";
import {
  parseSchema,
  schemaToJson,
} from "../../../../../proto/schema/json/schema_json.ts";
import { schema } from "../../../../../proto/schema/schema.ts";
import { assertRefused } from "../../../../helpers/refused.ts";

const version = { major: 1, minor: 0, patch: 0 };

function of<D extends FieldDefinitions>(fields: D) {
  return schema({ name: "S", version, fields });
}

Deno.test("a marked type is the type with its mark, and goes on by its kind", () => {
  const type = Mirror(UInt32, "picture.width");
  assertEquals(type, { kind: "UInt32", mark: "picture.width" });
  assert(Object.isFrozen(type));
  assertEquals([Clock(Int64), Count(UInt64)].map(markOf), ["clock", "count"]);
  assertEquals(markOf(UInt32), undefined);
  assertEquals(mirrorTarget("picture.width"), {
    source: "picture",
    property: "width",
  });
  assertEquals(mirrorTarget("clock"), undefined);
});

Deno.test("a mirror, a clock and a count are accepted wherever they can hold their value", () => {
  of({
    t: Texture("any"),
    b: Buffer(Float32),
    w: Mirror(Int64, "t.width"),
    h: Mirror(Int32, "t.height"),
    f: Mirror(Enum("rgba8"), "t.pixel_format"),
    n: Mirror(UInt64, "b.length"),
    at: Clock(UInt64),
    number: Count(Int32),
    parts: List(
      Optional(Struct({ t: Texture("any"), w: Mirror(UInt32, "t.width") })),
    ),
  });
});

Deno.test("a mark that cannot be is refused, and says why", () => {
  const refused = (fields: FieldDefinitions, why: string): void =>
    assertRefused(
      () => of(fields),
      "schema_mismatch",
      `Cannot use schema 'S', field ${why}`,
    );
  const t = Texture("any");
  const other = (mark: string, type: FieldType = UInt32): FieldType =>
    Object.assign({}, type, { mark });
  refused(
    { t, w: Mirror(UInt32, "p.width") },
    "'w': it mirrors 'p.width', and there is no field 'p' beside it",
  );
  refused(
    { t, w: Mirror(UInt32, "constructor.name") },
    "'w': it mirrors 'constructor.name', and there is no field 'constructor' beside it",
  );
  refused(
    { n: UInt32, w: Mirror(UInt32, "n.width") },
    "'w': it mirrors 'n.width', and 'n' is of the type UInt32, not a texture or a buffer",
  );
  refused(
    { t: Optional(t), w: Mirror(UInt32, "t.width") },
    "'w': it mirrors 't.width', and 't' is of the type Optional, not a texture or a buffer",
  );
  refused(
    { t, w: Mirror(UInt32, "t.depth") },
    "'w': it mirrors 't.depth', and a Texture has only width, height, pixel_format to mirror",
  );
  refused(
    { t, w: Mirror(Enum("a"), "t.width") },
    "'w': its type Enum cannot hold what its mark 't.width' says; it must be one of Int32, UInt32, Int64, UInt64",
  );
  refused(
    { t, w: Mirror(UInt32, "t.pixel_format") },
    "'w': its type UInt32 cannot hold what its mark 't.pixel_format' says; it must be one of Enum, String",
  );
  refused(
    { t, w: other("clock") },
    "'w': its type UInt32 cannot hold what its mark 'clock' says; it must be one of Int64, UInt64",
  );
  refused(
    { t, w: other("count", Float32) },
    "'w': its type Float32 cannot hold what its mark 'count' says; it must be one of Int32, UInt32, Int64, UInt64",
  );
  refused(
    { t, w: other("tock") },
    "'w': its mark is 'tock', not clock, count or the path to a property of a texture or buffer",
  );
  refused(
    { t, w: Optional(Mirror(UInt32, "t.width")) },
    "'w': only the type of the field itself can have a mark",
  );
  refused(
    { t, w: List(Mirror(UInt32, "t.width")) },
    "'w': only the type of the field itself can have a mark",
  );
  refused(
    { t, s: Struct({ w: Mirror(UInt32, "t.width") }) },
    "'s.w': it mirrors 't.width', and there is no field 't' beside it",
  );
});

Deno.test("the JSON form has marks only if they are asked for", () => {
  const made = of({ t: Texture("any"), w: Mirror(UInt32, "t.width") });
  assertEquals(schemaToJson(made).fields[1], { name: "w", type: "UInt32" });
  const full = schemaToJson(made, "full");
  assertEquals(full.fields[1], { name: "w", type: "UInt32", mark: "t.width" });
  assertEquals(parseSchema(JSON.parse(JSON.stringify(full))), made);
});

Deno.test("a mark in JSON is checked as one in code is", () => {
  const json = schemaToJson(of({ t: Texture("any"), w: UInt32 }));
  const [t, w] = json.fields;
  assertRefused(
    () => parseSchema({ ...json, fields: [t, { ...w, mark: 7 }] }),
    "schema_mismatch",
    "Cannot use schema 'S', field 'w': its mark is 7, not a string",
  );
  assertRefused(
    () => parseSchema({ ...json, fields: [t, { ...w, mark: "t.depth" }] }),
    "schema_mismatch",
    "Cannot use schema 'S', field 'w': it mirrors 't.depth', and a Texture has only width, height, pixel_format to mirror",
  );
});
