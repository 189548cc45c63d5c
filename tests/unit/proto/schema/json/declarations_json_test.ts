import { assert, assertEquals, assertThrows } from "@std/assert";
import { BridgeError } from "../../../../../proto/errors.ts";
import {
  Array,
  Bytes,
  Enum,
  field,
  Float32,
  Float64,
  Int64,
  Optional,
  SchemaRef,
  String,
  Texture,
} from "../../../../../proto/schema/field_type.ts";
import {
  callSchemas,
  type Declarations,
  declarationsToJson,
  parseDeclarations,
} from "../../../../../proto/schema/json/declarations_json.ts";
import { schema } from "../../../../../proto/schema/schema.ts";
import { setting } from "../../../../../proto/schema/settings.ts";
import { defineFields } from "../../../../../proto/schema/field_type.ts";

const Point = schema({
  name: "Point",
  version: { major: 1, minor: 0, patch: 0 },
  fields: { x: field(Float32, "to the right"), y: Float32 },
});

const DECLARED: Declarations = {
  settings: {
    amount: setting(Float64, {
      default: Infinity,
      minimum: -Infinity,
      description: "how much",
    }),
    wide: setting(Int64, { default: -(2n ** 63n), maximum: 2n ** 63n - 1n }),
    mode: setting(Enum("a", "b"), { default: "b" }),
  },
  calls: {
    find: callSchemas(
      "find",
      defineFields({ around: SchemaRef(Point), text: String }),
      defineFields({ points: Array(SchemaRef(Point)), png: Optional(Bytes) }),
    ),
  },
};

Deno.test("declarations come back from their JSON", () => {
  const json = declarationsToJson(DECLARED);
  assertEquals(json.settings[0], {
    name: "amount",
    description: "how much",
    type: "Float64",
    default: "Infinity",
    minimum: "-Infinity",
  });
  assertEquals(json.settings[1]?.default, "-9223372036854775808");
  assertEquals(json.calls[0]?.request[0], {
    name: "around",
    type: {
      Struct: {
        fields: [
          { name: "x", description: "to the right", type: "Float32" },
          { name: "y", type: "Float32" },
        ],
      },
    },
  });
  const parsed = parseDeclarations(JSON.stringify(json));
  assertEquals(declarationsToJson(parsed), json);
  assertEquals(parsed.settings["wide"]?.default, -(2n ** 63n));
});

/** What a client may say, and what is wrong with it. */
const WRONG: [text: string, words: string, code?: string][] = [
  ["", "it is not JSON", "malformed_message"],
  ["x".repeat(50_000), "it has 50000 characters", "malformed_message"],
  ["[]", "it is an array of 0, not an object"],
  ["{}", "'settings' is missing"],
  ['{"settings":[],"calls":[],"more":1}', "the key 'more'"],
  ['{"settings":{},"calls":[]}', "'settings' is an object, not an array"],
  [`{"settings":[],"calls":[${"0,".repeat(64)}0]}`, "65 entries"],
  [
    '{"settings":[{"name":"a"}],"calls":[]}',
    "'settings[0]': 'type' is missing",
  ],
  [
    '{"settings":[{"name":"a","type":"Int64","default":1}],"calls":[]}',
    "it is 1, not an integer in a string",
  ],
  [
    '{"settings":[{"name":"a","type":"Int64","default":"1e3"}],"calls":[]}',
    "not an integer in a string",
  ],
  [
    '{"settings":[{"name":"a","type":"Bool","default":1}],"calls":[]}',
    "not true or false",
  ],
  [
    '{"settings":[{"name":"a","type":"Float32","default":"x"}],"calls":[]}',
    "not a number",
  ],
  [
    '{"settings":[{"name":"toString","type":"Bool","default":true}],"calls":[]}',
    "every object has",
  ],
  [
    '{"settings":[{"name":"a","type":"Bool","default":true},{"name":"a","type":"Bool","default":true}],"calls":[]}',
    "another one is called 'a'",
  ],
  [
    '{"settings":[],"calls":[{"name":"a","request":[{"name":"t","type":{"Texture":{"format":"any"}}}],"reply":[]}]}',
    "it has a texture or a buffer",
  ],
  [
    '{"settings":[],"calls":[{"name":"a","request":[],"reply":[{"name":"t","type":{"SchemaRef":"Point"}}]}]}',
    "refers to the schema 'Point'",
  ],
  [
    '{"settings":[],"calls":[{"name":"then","request":[],"reply":[]}]}',
    "a name that JavaScript asks every object for",
  ],
  [
    '{"settings":[],"calls":[{"name":"a-b","request":[],"reply":[]}]}',
    "'a-b'".replaceAll("'", '"'),
  ],
];

for (const [text, words, code = "schema_mismatch"] of WRONG) {
  Deno.test(`declarations are refused: ${words}`, () => {
    const error = assertThrows(() => parseDeclarations(text), BridgeError);
    assertEquals(error.code, code);
    assert(error.message.includes(words), error.message);
  });
}

Deno.test("a call with memory is refused, wherever it is", () => {
  const none = defineFields({});
  const inside = schema({
    name: "Inside",
    version: { major: 1, minor: 0, patch: 0 },
    fields: { picture: Texture("any") },
  });
  const error = assertThrows(
    () =>
      callSchemas(
        "look",
        none,
        defineFields({ list: Array(Optional(SchemaRef(inside))) }),
      ),
    BridgeError,
  );
  assert(
    error.message.includes("'look', its reply: it has a texture"),
    error.message,
  );
});
