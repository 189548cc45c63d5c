import { assertEquals } from "@std/assert";
import {
  Array as List,
  Enum,
  Extended,
  field,
  type FieldDefinitions,
  Int32,
  Optional,
  type Schema,
  SchemaRef,
  Struct,
  Texture,
} from "../../../../proto/schema/field_type.ts";
import { canonicalJson } from "../../../../proto/schema/json/canonical_json.ts";
import { schemaToRegistry } from "../../../../proto/schema/json/registry_json.ts";
import {
  parseSchema,
  schemaToJson,
} from "../../../../proto/schema/json/schema_json.ts";
import { baseMinor, variantsAt } from "../../../../proto/schema/minor.ts";
import { schema } from "../../../../proto/schema/schema.ts";
import { compile } from "../../../../proto/wire/frame_codec.ts";
import { FakeCapabilities } from "../../../helpers/fake_capabilities.ts";
import { assertRefused } from "../../../helpers/refused.ts";

function of<D extends FieldDefinitions>(minor: number, fields: D) {
  return schema({
    name: "S",
    version: { major: 2, minor, patch: 7 },
    fields,
  });
}

const baseJson = (schema: Schema): string =>
  canonicalJson(schemaToJson(schema));

Deno.test("the base form has no field or variant that a minor version has added, and the minor version before", () => {
  const later = { since: 1 };
  const grown = of(1, {
    mode: Extended(Enum("a", "b"), 1, "c"),
    size: Int32,
    note: field(Optional(Int32), "", later),
    parts: List(Struct({ x: Int32, y: field(Optional(Int32), "", later) })),
  });
  const first = of(0, {
    mode: Enum("a", "b"),
    size: Int32,
    parts: List(Struct({ x: Int32 })),
  });
  assertEquals(baseJson(grown), baseJson(first));
  assertEquals(baseMinor(grown), 0);
  assertEquals(grown.version.minor, 1);
});

Deno.test("the base form of a schema that began at a later minor version is that one", () => {
  const grown = of(5, {
    n: Int32,
    a: field(Optional(Int32), "", { since: 5 }),
    b: field(Optional(Int32), "", { since: 4 }),
  });
  assertEquals(baseMinor(grown), 3);
  assertEquals(baseJson(grown), baseJson(of(3, { n: Int32 })));
  assertEquals(baseMinor(of(5, { n: Int32 })), 5);
});

Deno.test("a schema can have the fields of another one, of later minor versions than its own", () => {
  const other = of(2, {
    n: Int32,
    more: field(Optional(Int32), "", { since: 2 }),
    mode: Extended(Enum("a"), 1, "b"),
  });
  const own = of(0, { ...other.fields, x: Int32 });
  assertEquals(baseMinor(own), 0);
  assertEquals(
    baseJson(own),
    baseJson(of(0, { n: Int32, mode: Enum("a"), x: Int32 })),
  );
  const frame = { n: 1, more: 2, mode: "b", x: 3 } as const;
  const codec = compile(own);
  assertEquals(
    codec.check(frame)?.message,
    'S.mode: expected one of "a", got "b": this is S 2.0, which has no b',
  );
  const { writer, reader } = new FakeCapabilities();
  const sent = codec.encode({ ...frame, mode: "a" }, writer);
  assertEquals(codec.decode(sent, reader), { ...frame, mode: "a", more: null });
});

Deno.test("a referred schema has a version of its own", () => {
  const inner = of(1, {
    n: Int32,
    more: field(Optional(Int32), "", { since: 1 }),
  });
  assertEquals(baseMinor(of(4, { inner: SchemaRef(inner) })), 4);
});

Deno.test("the runtime registry has the base form", () => {
  const grown = of(1, {
    n: Int32,
    more: field(Optional(Int32), "More", { since: 1 }),
  });
  assertEquals(schemaToRegistry(grown), schemaToRegistry(of(0, { n: Int32 })));
});

Deno.test("the full form can be read again, with what minor versions have added", () => {
  const grown = of(2, {
    mode: Extended(Extended(Enum("a"), 1, "b"), 2, "c"),
    more: field(Optional(Int32), "More", { since: 2 }),
  });
  const full = schemaToJson(grown, "full");
  assertEquals(full.fields, [
    {
      name: "mode",
      type: {
        Enum: ["a", { name: "b", since: 1 }, { name: "c", since: 2 }],
      },
    },
    {
      name: "more",
      description: "More",
      type: { Optional: "Int32" },
      since: 2,
    },
  ]);
  assertEquals(parseSchema(JSON.parse(JSON.stringify(full))), grown);
  const { mode } = grown.fields;
  assertEquals([0, 1, 2].map((minor) => variantsAt(mode.type, minor)), [
    ["a"],
    ["a", "b"],
    ["a", "b", "c"],
  ]);
});

Deno.test("a variant that is called as what every object has is in the base form", () => {
  const type = Extended(Enum("constructor", "__proto__"), 1, "toString");
  assertEquals(variantsAt(type), ["constructor", "__proto__"]);
});

Deno.test("what a minor version cannot have added is refused", () => {
  const refused = (
    minor: number,
    fields: FieldDefinitions,
    why: string,
  ): void =>
    assertRefused(
      () => of(minor, fields),
      "schema_mismatch",
      `Cannot use schema 'S', field 'f': ${why}`,
    );
  refused(
    1,
    { f: field(Int32, "", { since: 1 }) },
    "a minor version has added it, so it must be an Optional, not Int32",
  );
  refused(
    1,
    {
      f: field(Optional(List(Struct({ t: Texture("any") }))), "", { since: 1 }),
    },
    "a minor version has added it, so it cannot have textures or buffers",
  );
  refused(
    3,
    { f: field(Optional(Int32), "", { since: 0 }) },
    "since, the minor version that has added it, is 0, not an integer from 1 to 4294967295",
  );
  refused(
    3,
    { f: Extended(Enum("a"), 0.5, "b") },
    `the variant "b", the minor version that has added it, is 0.5, not an integer from 1 to 4294967295`,
  );
  refused(
    1,
    { f: Extended(Enum<never>(), 1, "b") },
    "an Enum needs a variant that its base form has",
  );
});
