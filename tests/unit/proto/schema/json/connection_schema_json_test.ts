import { assert, assertEquals } from "@std/assert";
import { connectionSchema } from "../../../../../proto/schema/connection_schema.ts";
import {
  connectionSchemaToJson,
  parseConnectionSchema,
} from "../../../../../proto/schema/json/connection_schema_json.ts";
import { DataFrame } from "../../../../../proto/schema/frames/data_frame.ts";
import * as types from "../../../../../proto/schema/field_type.ts";
import { port } from "../../../../../proto/schema/port.ts";
import { schema } from "../../../../../proto/schema/schema.ts";
import {
  parseSchema,
  schemaToJson,
} from "../../../../../proto/schema/json/schema_json.ts";
import { VideoFrame } from "../../../../../proto/schema/frames/video_frame.ts";
import { assertRefused } from "../../../../helpers/refused.ts";

const version = { major: 1, minor: 0, patch: 0 };

Deno.test("a connection's schema has its JSON form, its ports in order", () => {
  const connection = connectionSchema({
    inputs: {
      video: VideoFrame,
      data: port(DataFrame, {
        description: "Boxes",
        required: false,
        capacity: 3,
      }),
    },
    outputs: {},
  });
  const json = connectionSchemaToJson(connection);
  assertEquals(json, {
    inputs: [
      {
        name: "video",
        description: "",
        schema: schemaToJson(VideoFrame),
        required: true,
        read_behavior: "skip_to_latest",
        capacity: 4,
      },
      {
        name: "data",
        description: "Boxes",
        schema: schemaToJson(DataFrame),
        required: false,
        read_behavior: "skip_to_latest",
        capacity: 3,
      },
    ],
    outputs: [],
  });
  const read = parseConnectionSchema(JSON.parse(JSON.stringify(json)));
  const video = parseSchema(schemaToJson(VideoFrame));
  assertEquals(read.inputs["video"], port(video));
  assertEquals(connectionSchemaToJson(read), json);
});

const Point = schema({ name: "Point", version, fields: { x: types.Float32 } });
const Line = schema({
  name: "Line",
  version,
  fields: { a: types.SchemaRef(Point), b: types.SchemaRef(Point) },
});
const Zoom = schema({ name: "Zoom", version, fields: { z: types.Float32 } });
const Drawing = schema({
  name: "Drawing",
  version,
  fields: {
    view: types.Struct({ zoom: types.Optional(types.SchemaRef(Zoom)) }),
    lines: types.Array(types.SchemaRef(Line)),
  },
});

Deno.test("the schemas that fields refer to go along, by name, once", () => {
  const connection = connectionSchema({
    inputs: { drawing: Drawing, again: Drawing },
  });
  const json = connectionSchemaToJson(connection);
  assertEquals(json.schemas?.map(({ name }) => name), [
    "Line",
    "Point",
    "Zoom",
  ]);
  const read = parseConnectionSchema(JSON.parse(JSON.stringify(json)));
  assertEquals(read, connection);
  assertEquals(connectionSchemaToJson(read), json);
});

Deno.test("two schemas of one name cannot both be referred to, unless they are the same", () => {
  const other = (field: types.FieldType): typeof Point =>
    schema({ name: "Point", version, fields: { x: field } }) as typeof Point;
  const referring = (to: typeof Point): ReturnType<typeof connectionSchema> =>
    connectionSchema({
      inputs: { drawing: Drawing },
      outputs: {
        p: schema({ name: "P", version, fields: { p: types.SchemaRef(to) } }),
      },
    });
  const json = connectionSchemaToJson(referring(other(types.Float32)));
  assertEquals(json.schemas?.length, 3);
  assertRefused(
    () => connectionSchemaToJson(referring(other(types.Int32))),
    "schema_mismatch",
    "Cannot use the connection's schema: its fields refer to two schemas of the name 'Point'",
  );
});

Deno.test("JSON that is no connection's schema is refused", () => {
  const refused = (json: unknown, why: string): void =>
    assertRefused(
      () => parseConnectionSchema(json),
      "schema_mismatch",
      `Cannot use ${why}`,
    );
  const at = "the connection's schema";
  const good = connectionSchemaToJson(
    connectionSchema({ inputs: { data: DataFrame } }),
  ).inputs[0];
  assert(good);
  const input = (part: Record<string, unknown>): unknown =>
    JSON.parse(JSON.stringify({ inputs: [{ ...good, ...part }], outputs: [] }));

  refused(null, `${at}: it is null, not an object`);
  refused({ inputs: [] }, `${at}: 'outputs' is missing`);
  refused(
    { inputs: {}, outputs: [] },
    `${at}: 'inputs' is an object, not an array`,
  );
  refused(
    { inputs: [], outputs: [0] },
    `${at}, 'outputs[0]': it is 0, not an object`,
  );
  refused(
    { inputs: [], outputs: [], ports: [] },
    `${at}: it has the key 'ports', and only inputs, outputs, schemas are known`,
  );
  refused(
    { inputs: [], outputs: [], schemas: {} },
    `${at}: 'schemas' is an object, not an array`,
  );
  refused(
    input({ required: undefined }),
    `${at}, 'inputs[0]': 'required' is missing`,
  );
  refused(input({ name: 1 }), `${at}, 'inputs[0]': name is 1, not a string`);
  refused(
    input({ name: "a b" }),
    `${at}: the input's name "a b" is not a letter or '_' followed by letters, digits and '_'`,
  );
  refused(
    { inputs: [good, good], outputs: [] },
    `${at}, 'inputs[1]': another input is called 'data'`,
  );
  refused(
    input({ required: "yes" }),
    `${at}, input 'data': required is "yes", not true or false`,
  );
  refused(
    input({ description: null }),
    `${at}, input 'data': description is null, not a string`,
  );
  refused(
    input({ capacity: null }),
    `${at}, input 'data': capacity is null, not an integer from 1 to 65536`,
  );
  refused(
    input({ read_behavior: null }),
    `${at}, input 'data': read_behavior is null, not one of skip_to_latest, read_next_in_order`,
  );
  refused(
    input({ schema: "DataFrame" }),
    `a schema: it is "DataFrame", not an object`,
  );
  refused(
    input({
      schema: {
        ...good.schema,
        fields: [{ name: "p", type: { SchemaRef: "Point" } }],
      },
    }),
    "schema 'DataFrame', field 'p': there is no schema 'Point' to refer to",
  );
});
