/** JSON in canonical form, schemas with their hashes and layouts, and JSON that is no schema. */

import { BridgeError } from "../../../proto/errors.ts";
import {
  laneLayout,
  laneLayoutHash,
} from "../../../proto/lane/agreed_layout.ts";
import { connectionSchema } from "../../../proto/schema/connection_schema.ts";
import * as types from "../../../proto/schema/field_type.ts";
import { AudioFrame } from "../../../proto/schema/frames/audio_frame.ts";
import { DataFrame } from "../../../proto/schema/frames/data_frame.ts";
import { VideoFrame } from "../../../proto/schema/frames/video_frame.ts";
import { canonicalJson } from "../../../proto/schema/json/canonical_json.ts";
import {
  connectionSchemaToJson,
  parseConnectionSchema,
} from "../../../proto/schema/json/connection_schema_json.ts";
import { schemaHash } from "../../../proto/schema/json/schema_hash.ts";
import { Mirror } from "../../../proto/schema/marks/mark.ts";
import { port, type PortMap } from "../../../proto/schema/port.ts";
import { schema } from "../../../proto/schema/schema.ts";

const TEXTS: readonly string[] = [
  '{"b":1.0,"a":"€"}',
  "[0,-0,1,-1,1e0,10e-1,0.1,1e21,1e20,123456789012345680000,1e-6,1e-7,5e-324]",
  "[1.7976931348623157e308,9007199254740993,12345678901234567890,333333333.33333329]",
  '["\\u0000\\u001f\\b\\f\\n\\r\\t\\"\\\\\\/\\u007f\\u2028","😀"]',
  '{"\\ufb33":1,"😀":2,"ö":3,"":4,"1":5,"A":6,"a":7}',
  '[null,true,false,{},[],{"a":{"b":[[]]}}]',
];

const version = { major: 1, minor: 2, patch: 3 };

const Point = schema({
  name: "com.example.Point",
  version: { major: 2, minor: 1, patch: 0 },
  kind: "sensor",
  fields: {
    y: types.field(types.Float32, "Metres"),
    x: types.Float32,
    note: types.field(types.Optional(types.String), "later", { since: 1 }),
  },
});

const Everything = schema({
  name: "Everything",
  version,
  read_behavior: "read_next_in_order",
  default_capacity: 3,
  fields: {
    z: types.Int32,
    a: types.Array(types.SchemaRef(Point)),
    _: types.FixedArray(types.FixedArray(types.Float64, 4), 3),
    B: types.Extended(types.Enum("on", "ünusual 😀"), 2, "later"),
    picture: types.Texture("any"),
    w: Mirror(types.UInt32, "picture.width"),
    samples: types.Buffer(types.Float16),
    inner: types.Struct({
      b10: types.Optional(types.Bytes),
      b2: types.Struct({}),
      v: types.Extended(types.Enum("x"), 1, "y"),
    }),
    added: types.field(types.Optional(types.UInt64), "", { since: 2 }),
  },
});

const CONNECTIONS: readonly { inputs?: PortMap; outputs?: PortMap }[] = [
  {},
  { inputs: { video: VideoFrame }, outputs: { video: VideoFrame } },
  {
    inputs: {
      a: port(AudioFrame, { required: false, capacity: 64 }),
      b: port(VideoFrame, { formats: ["nv12", "rgba8"], description: "Länge" }),
    },
    outputs: {
      c: port(Everything, { read_behavior: "skip_to_latest" }),
      d: DataFrame,
      e: Point,
    },
  },
];

const TICK = {
  name: "Tick",
  version: { major: 1, minor: 0, patch: 0 },
  fields: [{ name: "count", type: "UInt64" }] as unknown,
  read_behavior: "skip_to_latest",
  default_capacity: 16,
};
const PORT = {
  name: "ticks",
  description: "",
  schema: TICK as unknown,
  required: true as unknown,
  read_behavior: "skip_to_latest",
  capacity: 16 as unknown,
};

/** A connection with one port, whose schema has these fields. */
function withFields(fields: unknown): unknown {
  return { inputs: [{ ...PORT, schema: { ...TICK, fields } }], outputs: [] };
}

function withType(type: unknown, more: object = {}): unknown {
  return withFields([{ name: "a", type, ...more }]);
}

function deep(levels: number): unknown {
  let type: unknown = "Bool";
  for (let n = 1; n < levels; n++) type = { Array: type };
  return type;
}

const REFUSED: readonly unknown[] = [
  5,
  {},
  { inputs: [] },
  { inputs: [], outputs: [], other: 1 },
  { inputs: 5, outputs: [] },
  { inputs: [{ ...PORT, capacity: 0 }], outputs: [] },
  { inputs: [{ ...PORT, capacity: 1.5 }], outputs: [] },
  { inputs: [{ ...PORT, capacity: 65_537 }], outputs: [] },
  { inputs: [{ ...PORT, required: "yes" }], outputs: [] },
  { inputs: [{ ...PORT, name: "a b" }], outputs: [] },
  { inputs: [{ ...PORT, name: "x".repeat(65) }], outputs: [] },
  { inputs: [PORT, PORT], outputs: [] },
  { inputs: [{ ...PORT, read_behavior: "newest" }], outputs: [] },
  { inputs: [{ ...PORT, formats: ["nv12"] }], outputs: [] },
  { inputs: [{ ...PORT, schema: { ...TICK, name: "" } }], outputs: [] },
  { inputs: [{ ...PORT, schema: { ...TICK, name: "a..b" } }], outputs: [] },
  {
    inputs: [{ ...PORT, schema: { ...TICK, default_capacity: -1 } }],
    outputs: [],
  },
  {
    inputs: [{
      ...PORT,
      schema: { ...TICK, version: { major: 1, minor: -1, patch: 0 } },
    }],
    outputs: [],
  },
  {
    inputs: [{ ...PORT, schema: { ...TICK, version: { major: 1 } } }],
    outputs: [],
  },
  withFields(5),
  withFields([5]),
  withFields([{ name: "a" }]),
  withFields([{ name: "a", type: "Bool" }, { name: "a", type: "Bool" }]),
  withFields(
    Array.from({ length: 257 }, (_, i) => ({ name: `f${i}`, type: "Bool" })),
  ),
  withType("Int8"),
  withType("int32"),
  withType(5),
  withType({}),
  withType({ Array: "Bool", Optional: "Bool" }),
  withType({ List: "Bool" }),
  withType({ Texture: { format: "yuy2" } }),
  withType({ Texture: {} }),
  withType({ Buffer: { element_type: "Bool" } }),
  withType({ Array: { element: "Bool" } }),
  withType({ Array: { element: "Bool", length: -1 } }),
  withType({ Array: { element: "Bool", length: 1_048_577 } }),
  withType({ Optional: { Optional: "Bool" } }),
  withType({ Enum: [] }),
  withType({ Enum: ["a", "a"] }),
  withType({ Enum: [""] }),
  withType({ Enum: ["a\0"] }),
  withType({ Enum: ["x".repeat(129)] }),
  withType({ Enum: [5] }),
  withType({ Enum: [{ name: "a", since: 1 }] }),
  withType({ Enum: ["a", { name: "b", since: 0 }] }),
  withType({ SchemaRef: "Nothing" }),
  withType({ Struct: { fields: [{ name: "b", type: "x" }] } }),
  withType("Bool", { since: 1 }),
  withType({ Optional: { Texture: { format: "any" } } }, { since: 1 }),
  withType({ Optional: "Bool" }, { since: 0 }),
  withType("Bool", { mark: "clock" }),
  withType("Int64", { mark: "time" }),
  withType("UInt32", { mark: "b.width" }),
  withType(deep(17)),
  withType("Bool", { description: 5 }),
  withType("Bool", { description: "\ud800" }),
  withType("Bool", { other: 5 }),
  {
    inputs: [],
    outputs: [],
    schemas: [{
      ...TICK,
      fields: [{ name: "a", type: { SchemaRef: "Tick" } }],
    }],
  },
  { inputs: [], outputs: [], schemas: [TICK, TICK] },
];

function refusal(json: unknown): { code: string; message: string } {
  try {
    parseConnectionSchema(json);
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error;
    const { code, message } = error;
    return { code, message };
  }
  throw new Error(`it is a schema: ${JSON.stringify(json)}`);
}

/** Returns the vectors as data. */
export function schemaVectors(): object {
  return {
    about:
      "Canonical: texts in canonical form, RFC 8785. Connections: the full form, and the hash of the base form. " +
      "Layouts: of the ports' schemas, by minor version. Refused: what is no schema, as text, with the error.",
    canonical: TEXTS.map((text) => ({
      text,
      canonical: canonicalJson(JSON.parse(text)),
    })),
    connections: CONNECTIONS.map((ports) => {
      const made = connectionSchema(ports);
      const base = connectionSchemaToJson(made);
      return {
        full: connectionSchemaToJson(made, "full"),
        base: JSON.stringify(base),
        hash: schemaHash(base),
      };
    }),
    layouts: [VideoFrame, AudioFrame, Point, Everything].flatMap((one) =>
      Array.from({ length: one.version.minor + 1 }, (_, minor) => ({
        schema: one.name,
        minor,
        layout: laneLayout(one, minor),
        hash: laneLayoutHash(one, minor),
      }))
    ),
    refused: REFUSED.map((json) => ({
      text: JSON.stringify(json),
      ...refusal(json),
    })),
  };
}
