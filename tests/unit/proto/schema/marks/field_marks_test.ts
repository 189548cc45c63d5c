import { assert, assertEquals } from "@std/assert";
import {
  Array as List,
  Buffer,
  Float32,
  Int64,
  Optional,
  SchemaRef,
  Struct,
  Texture,
  UInt32,
} from "../../../../../proto/schema/field_type.ts";
import { VideoFrame } from "../../../../../proto/schema/frames/video_frame.ts";
import {
  parseSchema,
  schemaToJson,
} from "../../../../../proto/schema/json/schema_json.ts";
import {
  marksIn,
  withMarks,
} from "../../../../../proto/schema/marks/field_marks.ts";
import { Clock, Mirror } from "../../../../../proto/schema/marks/mark.ts";
import { schema } from "../../../../../proto/schema/schema.ts";
import { assertRefused } from "../../../../helpers/refused.ts";

const Nested = schema({
  name: "Nested",
  version: { major: 1, minor: 0, patch: 0 },
  fields: {
    at: Clock(Int64),
    parts: List(Optional(Struct({
      b: Buffer(Float32),
      n: Mirror(UInt32, "b.length"),
      deep: Struct({ t: Texture("any"), w: Mirror(Int64, "t.width") }),
    }))),
    video: SchemaRef(VideoFrame),
  },
});
const TABLE = new Map([["VideoFrame", VideoFrame]]);
const MARKS = {
  "at": "clock",
  "parts.n": "b.length",
  "parts.deep.w": "t.width",
};

Deno.test("the marks of a schema go to a peer that has its base form, and make it whole", () => {
  assertEquals(marksIn(Nested.fields), MARKS);
  const plain = parseSchema(schemaToJson(Nested), TABLE);
  assertEquals(marksIn(plain.fields), {});
  const marked = withMarks(plain, MARKS);
  assertEquals(marked, Nested);
  assert(Object.isFrozen(marked));
  assertEquals(schemaToJson(plain), schemaToJson(marked));
});

Deno.test("a mark of a field that is not there is ignored, one that cannot be is refused", () => {
  const plain = parseSchema(schemaToJson(Nested), TABLE);
  assertEquals(
    withMarks(plain, { ...MARKS, later: "clock", "parts.b.x": "count" }),
    Nested,
  );
  assertRefused(
    () => withMarks(plain, { "parts.n": "b.width" }),
    "schema_mismatch",
    "Cannot use schema 'Nested', field 'parts.n': it mirrors 'b.width', and a Buffer has only length to mirror",
  );
});
