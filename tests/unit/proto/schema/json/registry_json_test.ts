import { assert, assertEquals, assertThrows } from "@std/assert";
import { BridgeError } from "../../../../../proto/errors.ts";
import * as types from "../../../../../proto/schema/field_type.ts";
import { port } from "../../../../../proto/schema/port.ts";
import {
  parseRegistryPorts,
  parseRegistrySchema,
  portsToRegistry,
  type RegistryFieldJson,
  type RegistrySchemaJson,
  schemaToRegistry,
} from "../../../../../proto/schema/json/registry_json.ts";
import type { Schema } from "../../../../../proto/schema/field_type.ts";
import { schema } from "../../../../../proto/schema/schema.ts";
import { VideoFrame } from "../../../../../proto/schema/frames/video_frame.ts";
import { assertRefused } from "../../../../helpers/refused.ts";

const { FixedArray } = types;
const version = { major: 1, minor: 2, patch: 3 };

const Embedding = schema({
  name: "com.example.Embedding",
  version,
  kind: "audio",
  fields: {
    flag: types.Bool,
    i32: types.Int32,
    i64: types.Int64,
    u32: types.UInt32,
    u64: types.UInt64,
    f32: types.Float32,
    f64: types.field(types.Float64, "Precise"),
    vector: types.field(FixedArray(types.Float32, 512), "What it means"),
    matrix: FixedArray(FixedArray(types.Float64, 4), 3),
    cube: FixedArray(FixedArray(FixedArray(types.Bool, 4), 1), 0),
  },
});

const EMBEDDING: RegistrySchemaJson = {
  name: "com.example.Embedding",
  version: { major: 1, minor: 2, patch: 3 },
  fields: [
    { name: "flag", type: "bool" },
    { name: "i32", type: "i32" },
    { name: "i64", type: "i64" },
    { name: "u32", type: "u32" },
    { name: "u64", type: "u64" },
    { name: "f32", type: "f32" },
    { name: "f64", description: "Precise", type: "f64" },
    { name: "vector", description: "What it means", type: "f32", shape: [512] },
    { name: "matrix", type: "f64", shape: [3, 4] },
    { name: "cube", type: "bool", shape: [0, 1, 4] },
  ],
  read_behavior: "read_next_in_order",
  default_capacity: 32,
};

/** Returns the JSON of a schema of the registry with these fields and keys. */
function registry(
  fields: unknown,
  keys: Record<string, unknown> = {},
): unknown {
  const json = {
    name: "S",
    version,
    fields,
    read_behavior: "skip_to_latest",
    default_capacity: 16,
    ...keys,
  };
  return JSON.parse(JSON.stringify(json));
}

function only(type: types.FieldType): Schema {
  return schema({ name: "S", version, fields: { f: type } });
}

Deno.test("registry: every type that both have, with and without a shape", () => {
  assertEquals(schemaToRegistry(Embedding), EMBEDDING);
  const read = parseRegistrySchema(JSON.parse(JSON.stringify(EMBEDDING)));
  assertEquals(read, Embedding);
});

Deno.test("registry: an empty shape is none, and what is not internal says nothing", () => {
  const read = parseRegistrySchema(
    registry([{ name: "f", type: "f32", shape: [], internal: false }]),
  );
  assertEquals(read, only(types.Float32));
  assertEquals(schemaToRegistry(read).fields, [{ name: "f", type: "f32" }]);
});

Deno.test("registry: an empty description stays", () => {
  const json = registry([{ name: "f", description: "", type: "f32" }]);
  assertEquals<unknown>(schemaToRegistry(parseRegistrySchema(json)), json);
});

const NONE =
  "is not a type of the registry: bool, i32, i64, u32, u64, f32, f64, alone or in a fixed shape";
const LENGTH = "; a FixedArray would be";

const INEXPRESSIBLE: [types.FieldType, string][] = [
  [types.String, `String ${NONE}`],
  [types.Bytes, `Bytes ${NONE}`],
  [types.Texture("rgba8"), `Texture ${NONE}`],
  [types.Buffer(types.Float32), `Buffer ${NONE}`],
  [types.Optional(types.Float32), `Optional ${NONE}`],
  [types.Enum("on", "off"), `Enum ${NONE}`],
  [types.Struct({ x: types.Float32 }), `Struct ${NONE}`],
  [types.SchemaRef(Embedding), `SchemaRef ${NONE}`],
  [types.Array(types.Float32), `Array(Float32) ${NONE}${LENGTH}`],
  [
    FixedArray(types.Array(types.Float32), 3),
    `FixedArray(Array(Float32), 3) ${NONE}${LENGTH}`,
  ],
  [
    types.Array(FixedArray(types.Float32, 3)),
    `Array(FixedArray(Float32, 3)) ${NONE}${LENGTH}`,
  ],
  [FixedArray(types.Texture("any"), 2), `FixedArray(Texture, 2) ${NONE}`],
];

for (const [type, why] of INEXPRESSIBLE) {
  Deno.test(`registry: ${why.split(" is not")[0]} is refused, at its field`, () => {
    assertRefused(
      () => schemaToRegistry(only(type)),
      "schema_mismatch",
      `Cannot use schema 'S' in the runtime registry, field 'f': its type ${why}`,
    );
  });
}

Deno.test("registry: a VideoFrame is refused as a whole, its texture never left out", () => {
  const error = assertThrows(() => schemaToRegistry(VideoFrame), BridgeError);
  assert(
    error.message.startsWith(
      "Cannot use schema 'VideoFrame' in the runtime registry, field 'pixel_buffer': its type Texture",
    ),
    error.message,
  );
});

function refused(json: unknown, why: string): void {
  assertRefused(
    () => parseRegistrySchema(json),
    "schema_mismatch",
    `Cannot use ${why}`,
  );
}

Deno.test("registry: types that no field has are refused, at their field", () => {
  const type = (field: Record<string, unknown>, why: string): void =>
    refused(
      registry([{ name: "f", ...field }]),
      `schema 'S' of the runtime registry, field 'f': ${why}`,
    );
  const names = "bool, i32, i64, u32, u64, f32, f64";
  for (
    const name of ["i8", "u8", "i16", "u16", "f16", "usize", "F32", "Texture"]
  ) {
    type({ type: name }, `its type is "${name}", not one of ${names}`);
  }
  type({ type: "toString" }, `its type is "toString", not one of ${names}`);
  type({ type: "Float32" }, `its type is "Float32", not one of ${names}`);
  type(
    { type: { Array: "f32" } },
    `its type is an object, not one of ${names}`,
  );
  type({ type: null }, `its type is null, not one of ${names}`);
  type(
    { type: "Arc<wgpu::Texture>", internal: true },
    'its type "Arc<wgpu::Texture>" is internal to the runtime, so no frame can hold it',
  );
  type(
    { type: "f32", internal: true },
    'its type "f32" is internal to the runtime, so no frame can hold it',
  );
  type({ type: "f32", internal: 1 }, "internal is 1, not true or false");
});

Deno.test("registry: shapes that no array has are refused, at their field", () => {
  const shape = (shape: unknown, why: string): void =>
    refused(
      registry([{ name: "f", type: "f32", shape }]),
      `schema 'S' of the runtime registry, field 'f': ${why}`,
    );
  shape(3, "its shape is 3, not an array");
  shape(null, "its shape is null, not an array");
  shape([3, -1], "shape[1] is -1, not an integer from 0 to 1048576");
  shape([null], "shape[0] is null, not an integer from 0 to 1048576");
  shape([0.5], "shape[0] is 0.5, not an integer from 0 to 1048576");
  shape(["3"], 'shape[0] is "3", not an integer from 0 to 1048576');
  shape([2 ** 20 + 1], "shape[0] is 1048577, not an integer from 0 to 1048576");
  for (const dimensions of [16, 10_000]) {
    refused(
      registry([{ name: "f", type: "f32", shape: ones(dimensions) }]),
      "schema 'S', field 'f': types are nested more than 16 deep",
    );
  }
  const most = registry([{ name: "f", type: "f32", shape: ones(15) }]);
  assertEquals<unknown>(schemaToRegistry(parseRegistrySchema(most)), most);
});

function ones(count: number): number[] {
  return Array(count).fill(1);
}

Deno.test("registry: JSON that is no schema is refused", () => {
  refused(
    null,
    "a schema of the runtime registry: it is null, not an object",
  );
  refused({}, "a schema of the runtime registry: 'name' is missing");
  refused(
    registry([], { name: 5 }),
    "a schema of the runtime registry: name is 5, not a string",
  );
  refused(
    registry({}),
    "schema 'S' of the runtime registry: 'fields' is an object, not an array",
  );
  refused(
    registry([1]),
    "schema 'S' of the runtime registry, 'fields[0]': it is 1, not an object",
  );
  refused(
    registry([{ name: "f" }]),
    "schema 'S' of the runtime registry, 'fields[0]': 'type' is missing",
  );
  refused(
    registry([{ name: "f", type: "f32", unit: "m" }]),
    "schema 'S' of the runtime registry, 'fields[0]': it has the key 'unit', and only name, type, description, shape, internal are known",
  );
  refused(
    registry([{ name: 5, type: "f32" }]),
    "schema 'S' of the runtime registry, 'fields[0]': name is 5, not a string",
  );
  refused(
    registry([{ name: "f", type: "f32" }, { name: "f", type: "f64" }]),
    "schema 'S', 'fields[1]': another field is called 'f'",
  );
  refused(
    registry([{ name: "f", type: "f32", description: null }]),
    "schema 'S', field 'f': description is null, not a string",
  );
  refused(
    registry([], { content_hint: "video" }),
    "schema 'S': it has the key 'content_hint', and only name, version, fields, read_behavior, default_capacity are known",
  );
  refused(
    registry([], { version: undefined }),
    "schema 'S': 'version' is missing",
  );
  refused(
    registry([], { read_behavior: "latest" }),
    `schema 'S': read_behavior is "latest", not one of skip_to_latest, read_next_in_order`,
  );
  refused(
    registry([], { default_capacity: 0 }),
    "schema 'S': default_capacity is 0, not an integer from 1 to 65536",
  );
  refused(
    registry(
      Array.from(
        { length: 257 },
        (_, i): RegistryFieldJson => ({ name: `f${i}`, type: "f32" }),
      ),
    ),
    "schema 'S': 'fields' has 257 fields; at most 256 are allowed",
  );
});

const TABLE = new Map<string, Schema>([
  ["VideoFrame", VideoFrame],
  ["com.example.Embedding", Embedding],
]);

const PORTS = [
  { name: "video", description: "", schema: "VideoFrame", required: true },
  {
    name: "meaning",
    description: "Of the picture",
    schema: "com.example.Embedding",
    required: false,
  },
];

Deno.test("registry: ports there and back", () => {
  const ports = {
    video: VideoFrame,
    meaning: port(Embedding, {
      description: "Of the picture",
      required: false,
    }),
  };
  assertEquals<unknown>(portsToRegistry(ports), PORTS);
  const read = parseRegistryPorts(JSON.parse(JSON.stringify(PORTS)), TABLE);
  assertEquals(read, { video: port(VideoFrame), meaning: ports.meaning });
  assertEquals<unknown>(portsToRegistry(read), PORTS);
  assertEquals(parseRegistryPorts([], TABLE), {});
});

Deno.test("registry: a port that is not as its schema says is refused", () => {
  const refusedPort = (
    name: string,
    given: types.FieldType | unknown,
    why: string,
  ) =>
    assertRefused(
      () => portsToRegistry({ [name]: given as Schema }),
      "schema_mismatch",
      `Cannot use port '${name}' in the runtime registry: ${why}`,
    );
  refusedPort(
    "v",
    port(VideoFrame, { capacity: 5 }),
    "its capacity is 5, and the registry has only the schema's, 4",
  );
  refusedPort(
    "v",
    port(VideoFrame, { read_behavior: "read_next_in_order" }),
    "its read_behavior is read_next_in_order, and the registry has only the schema's, skip_to_latest",
  );
  refusedPort(
    "a-b",
    VideoFrame,
    `the port's name "a-b" is not a letter or '_' followed by letters, digits and '_'`,
  );
});

Deno.test("registry: JSON that is no list of ports is refused", () => {
  const ports = (json: unknown, why: string): void =>
    assertRefused(
      () => parseRegistryPorts(json, TABLE),
      "schema_mismatch",
      `Cannot use the ports of the runtime registry${why}`,
    );
  const [video] = PORTS;
  ports({}, ": their list is an object, not an array");
  ports([1], ", '[0]': it is 1, not an object");
  ports(
    [{ ...video, schema: undefined }],
    ", port 'video': schema is undefined, not a string",
  );
  ports([{ name: "video" }], ", '[0]': 'description' is missing");
  ports(
    [{ ...video, capacity: 4 }],
    ", '[0]': it has the key 'capacity', and only name, description, schema, required are known",
  );
  ports([video, video], ", '[1]': another port is called 'video'");
  ports(
    [{ ...video, name: "constructor" }],
    `, '[0]': the port's name "constructor" is a name that every object has`,
  );
  ports(
    [{ ...video, schema: "Nothing" }],
    ", port 'video': there is no schema 'Nothing'",
  );
  ports(
    [{ ...video, schema: { ...EMBEDDING } }],
    ", port 'video': schema is an object, not a string",
  );
  ports(
    [{ ...video, required: "yes" }],
    `, port 'video': required is "yes", not true or false`,
  );
  ports(
    [{ ...video, description: null }],
    ", port 'video': description is null, not a string",
  );
});
