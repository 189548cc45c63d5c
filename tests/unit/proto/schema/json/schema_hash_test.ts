import { assertEquals, assertNotEquals } from "@std/assert";
import { canonicalJson } from "../../../../../proto/schema/json/canonical_json.ts";
import { connectionSchema } from "../../../../../proto/schema/connection_schema.ts";
import { connectionSchemaToJson } from "../../../../../proto/schema/json/connection_schema_json.ts";
import {
  Array as ArrayType,
  type FieldType,
  FixedArray,
  Float32,
  Int32,
} from "../../../../../proto/schema/field_type.ts";
import type { Schema } from "../../../../../proto/schema/field_type.ts";
import { schema } from "../../../../../proto/schema/schema.ts";
import { schemaHash } from "../../../../../proto/schema/json/schema_hash.ts";

function hashOf(input: Schema): string {
  return schemaHash(
    connectionSchemaToJson(connectionSchema({ inputs: { a: input } })),
  );
}

function counter(minor: number): Schema {
  return schema({
    name: "Counter",
    version: { major: 1, minor, patch: 0 },
    fields: { count: Int32 },
  });
}

// Peers of other versions and languages compute the same hash: neither text may change.
Deno.test("the hash of a schema is the same for ever", () => {
  const json = connectionSchemaToJson(
    connectionSchema({ inputs: { a: counter(0) } }),
  );
  assertEquals(
    canonicalJson(json),
    '{"inputs":[{"capacity":16,"description":"","name":"a","read_behavior":"skip_to_latest","required":true,"schema":{"default_capacity":16,"fields":[{"name":"count","type":"Int32"}],"name":"Counter","read_behavior":"skip_to_latest","version":{"major":1,"minor":0,"patch":0}}}],"outputs":[]}',
  );
  assertEquals(
    schemaHash(json),
    "6938de015bc4fa5abe6a9dd2a9485018fc19654227d1aec1a53c0d3983e66864",
  );
});

Deno.test("the hash holds the length of an array that has one, the same for ever", () => {
  const vector = (type: FieldType): Schema =>
    schema({
      name: "V",
      version: counter(0).version,
      fields: { vector: type },
    });
  const fixed = vector(FixedArray(Float32, 512));
  const [input] = connectionSchemaToJson(
    connectionSchema({ inputs: { a: fixed } }),
  ).inputs;
  assertEquals(
    canonicalJson(input!.schema.fields),
    '[{"name":"vector","type":{"Array":{"element":"Float32","length":512}}}]',
  );
  assertEquals(
    hashOf(fixed),
    "d78c426c03de6ba2a8fb9fd3128469166a89b6a1083a2fc1c6e53f410e3ef7d2",
  );
  assertNotEquals(hashOf(fixed), hashOf(vector(FixedArray(Float32, 511))));
  assertNotEquals(hashOf(fixed), hashOf(vector(ArrayType(Float32))));
});

Deno.test("the hash does not depend on the order of keys, and on everything else", () => {
  assertEquals(hashOf(counter(0)), hashOf(counter(0)));
  assertNotEquals(hashOf(counter(0)), hashOf(counter(1)));
  const json = connectionSchemaToJson(
    connectionSchema({ inputs: { a: counter(0) } }),
  );
  const reversed = {
    outputs: json.outputs,
    inputs: json.inputs.map((port) =>
      Object.fromEntries(Object.entries(port).reverse()) as typeof port
    ),
  };
  assertEquals(schemaHash(reversed), schemaHash(json));
});
