import { assert, assertEquals, assertThrows } from "@std/assert";
import { BridgeError } from "../../../../../proto/errors.ts";
import * as types from "../../../../../proto/schema/field_type.ts";
import {
  parseRegistrySchema,
  type RegistryFieldJson,
  type RegistryPrimitive,
  type RegistrySchemaJson,
  schemaToRegistry,
} from "../../../../../proto/schema/json/registry_json.ts";
import type { Schema } from "../../../../../proto/schema/field_type.ts";
import { schema } from "../../../../../proto/schema/schema.ts";
import {
  parseSchema,
  schemaToJson,
} from "../../../../../proto/schema/json/schema_json.ts";
import { Prng } from "../../../../helpers/prng.ts";

const RUNS = 3_000;

const PRIMITIVES: readonly RegistryPrimitive[] = [
  "bool",
  "i32",
  "i64",
  "u32",
  "u64",
  "f32",
  "f64",
];
const PLAIN = [
  types.Bool,
  types.Int32,
  types.Int64,
  types.UInt32,
  types.UInt64,
  types.Float32,
  types.Float64,
];
const DESCRIPTIONS = ["", "Metres", 'with "quotes" and 😀'];

function list<T>(random: Prng, most: number, make: (index: number) => T): T[] {
  return Array.from({ length: random.below(most + 1) }, (_, i) => make(i));
}

/** The keys of a schema, in either form, besides its fields. */
function frameOf(random: Prng) {
  return {
    name: random.pick(["S", "com.example.Pose", "clip_embedding"]),
    version: {
      major: random.below(3),
      minor: random.below(2 ** 32),
      patch: random.below(9),
    },
    read_behavior: random.pick(
      ["skip_to_latest", "read_next_in_order"] as const,
    ),
    default_capacity: 1 + random.below(65_536),
  };
}

function length(random: Prng): number {
  return random.pick([0, 1, 2, 512, 2 ** 20, random.below(10_000)]);
}

function registryField(random: Prng, index: number): RegistryFieldJson {
  const shape = list(random, 4, () => length(random));
  return {
    name: `f${index}`,
    ...(random.below(2) ? { description: random.pick(DESCRIPTIONS) } : {}),
    type: random.pick(PRIMITIVES),
    ...(shape.length === 0 ? {} : { shape }),
  };
}

Deno.test(`registry: ${RUNS} of its schemas (seeds 1 to ${RUNS}) come back as they were`, () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    const random = new Prng(seed);
    const json: RegistrySchemaJson = {
      ...frameOf(random),
      fields: list(random, 8, (i) => registryField(random, i)),
    };
    const read = parseRegistrySchema(JSON.parse(JSON.stringify(json)));
    assertEquals(schemaToRegistry(read), json, `seed ${seed}`);
    // The schema's own form holds the shapes as well.
    assertEquals(parseSchema(schemaToJson(read)), read, `seed ${seed}`);
  }
});

/** A type that the registry has. */
function shared(random: Prng): types.FieldType {
  let type: types.FieldType = random.pick(PLAIN);
  for (let i = random.below(4); i > 0; i--) {
    type = types.FixedArray(type, length(random));
  }
  return type;
}

/** A type that the registry does not have, and a word of the error. */
function ours(random: Prng): [types.FieldType, string] {
  const inner = shared(random);
  const [type, word]: [types.FieldType, string] = random.pick([
    [types.String, "String"],
    [types.Bytes, "Bytes"],
    [types.Texture("any"), "Texture"],
    [types.Buffer(types.Int32), "Buffer"],
    [types.Optional(inner), "Optional"],
    [types.Enum("a"), "Enum"],
    [types.Struct({ inner }), "Struct"],
    [types.Array(inner), "Array("],
  ]);
  return random.below(3) ? [type, word] : [types.FixedArray(type, 3), word];
}

function fieldsOf(
  random: Prng,
  make: () => types.FieldType,
): types.FieldDefinitions {
  return Object.fromEntries(
    list(random, 8, (i) => {
      const type = make();
      const description = random.pick(DESCRIPTIONS);
      return [`f${i}`, random.below(2) ? type : types.field(type, description)];
    }),
  );
}

Deno.test(`registry: ${RUNS} schemas of ours (seeds 1 to ${RUNS}) come back as they were`, () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    const random = new Prng(seed);
    const fields = fieldsOf(random, () => shared(random));
    const made: Schema = schema({ ...frameOf(random), fields });
    const json = JSON.parse(JSON.stringify(schemaToRegistry(made)));
    assertEquals(parseRegistrySchema(json), made, `seed ${seed}`);
  }
});

Deno.test(`registry: ${RUNS} schemas with a type that it has not (seeds 1 to ${RUNS}) are refused, at the field`, () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    const random = new Prng(seed);
    const [type, word] = ours(random);
    const fields = { ...fieldsOf(random, () => shared(random)), odd: type };
    const made: Schema = schema({ ...frameOf(random), fields });
    const { message } = assertThrows(() => schemaToRegistry(made), BridgeError);
    for (const part of [`'${made.name}'`, "field 'odd'", word]) {
      assert(message.includes(part), `seed ${seed}: ${message}`);
    }
  }
});
