import { assert, assertEquals, assertThrows } from "@std/assert";
import * as field from "../../../../proto/schema/field_type.ts";
import {
  Bool,
  Buffer,
  type Bytes,
  Enum,
  Float32,
  Float64,
  Int32,
  type Int64,
  Optional,
  SchemaRef,
  Struct,
  Texture,
  UInt32,
  type UInt64,
  type ValueOf,
} from "../../../../proto/schema/field_type.ts";
import type { Frame, Schema } from "../../../../proto/schema/field_type.ts";
import { schema } from "../../../../proto/schema/schema.ts";
import type { Surface } from "../../../../proto/schema/surface.ts";
import { assertRefused } from "../../../helpers/refused.ts";
import { type Same, same } from "../../../helpers/same.ts";

const version = { major: 1, minor: 0, patch: 0 };

const Point = schema({
  name: "Point",
  version,
  fields: { x: Float32, y: field.field(Float32, "Up") },
});

Deno.test("what is neither a type nor a field is refused", () => {
  const wrong = {
    "5": 5,
    null: null,
    undefined: undefined,
    "an object": { type: 1 },
    '"UInt32"': "UInt32",
  };
  for (const [shown, one] of Object.entries(wrong)) {
    const fields = { count: one as unknown as UInt32 };
    const definition = { name: "S", version, fields };
    for (const run of [() => schema(definition), () => Struct(fields)]) {
      assertRefused(
        run,
        "bad_argument",
        `Cannot use the field 'count': it is ${shown}, neither a type nor a field; write UInt32, or field(UInt32, "what it means")`,
      );
    }
  }
});

Deno.test("each field type has the static type of the table", () => {
  same<Same<ValueOf<Int32>, number>>();
  same<Same<ValueOf<Int64>, bigint>>();
  same<Same<ValueOf<UInt32>, number>>();
  same<Same<ValueOf<UInt64>, bigint>>();
  same<Same<ValueOf<Float32>, number>>();
  same<Same<ValueOf<Float64>, number>>();
  same<Same<ValueOf<Bool>, boolean>>();
  same<Same<ValueOf<field.String>, string>>();
  same<Same<ValueOf<Bytes>, Uint8Array>>();
  same<Same<ValueOf<Texture<"rgba8">>, Surface>>();
  same<Same<ValueOf<Texture>, Surface>>();
  same<Same<ValueOf<Buffer<"Float32">>, Float32Array>>();
  same<Same<ValueOf<Buffer<"UInt64">>, BigUint64Array>>();
  same<Same<ValueOf<Buffer<"Int8">>, Int8Array>>();
  same<Same<ValueOf<Buffer<"UInt8">>, Uint8Array>>();
  same<Same<ValueOf<Buffer<"Int16">>, Int16Array>>();
  same<Same<ValueOf<Buffer<"UInt16">>, Uint16Array>>();
  same<Same<ValueOf<Buffer<"Float16">>, Float16Array>>();
  same<Same<ValueOf<field.Array<Int32>>, Int32Array>>();
  same<Same<ValueOf<field.Array<Int64>>, BigInt64Array>>();
  same<Same<ValueOf<field.Array<UInt32>>, Uint32Array>>();
  same<Same<ValueOf<field.Array<UInt64>>, BigUint64Array>>();
  same<Same<ValueOf<field.Array<Float32>>, Float32Array>>();
  same<Same<ValueOf<field.Array<Float64>>, Float64Array>>();
  same<Same<ValueOf<field.Array<Bool>>, readonly boolean[]>>();
  const row = field.FixedArray(Float32, 4);
  same<Same<ValueOf<typeof row>, Float32Array>>();
  const matrix = field.FixedArray(row, 3);
  same<Same<ValueOf<typeof matrix>, readonly Float32Array[]>>();
  same<
    Same<
      ValueOf<field.Array<field.Array<Int32>>>,
      readonly Int32Array[]
    >
  >();
  same<Same<ValueOf<Optional<Int64>>, bigint | null>>();
  same<
    Same<
      ValueOf<field.Array<Optional<Int32>>>,
      readonly (number | null)[]
    >
  >();
  same<Same<ValueOf<Enum<"on" | "off">>, "on" | "off">>();
  same<
    Same<
      ValueOf<Struct<{ x: Float32; name: field.String }>>,
      { readonly x: number; readonly name: string }
    >
  >();
  same<
    Same<
      ValueOf<SchemaRef<typeof Point>>,
      { readonly x: number; readonly y: number }
    >
  >();
});

Deno.test("a schema gives the static type of its frames", () => {
  const Everything = schema({
    name: "Everything",
    version,
    fields: {
      texture: Texture("rgba8"),
      samples: Buffer(Float32),
      state: Enum("on", "off"),
      maybe: Optional(field.String),
      where: SchemaRef(Point),
      inner: Struct({
        numbers: field.Array(Int32),
        flag: field.field(Bool, "Set"),
      }),
    },
  });
  same<
    Same<Frame<typeof Everything>, {
      readonly texture: Surface;
      readonly samples: Float32Array;
      readonly state: "on" | "off";
      readonly maybe: string | null;
      readonly where: { readonly x: number; readonly y: number };
      readonly inner: {
        readonly numbers: Int32Array;
        readonly flag: boolean;
      };
    }>
  >();
  same<Same<keyof Frame<typeof Point>, "x" | "y">>();
});

Deno.test("the frame of a schema known only at run time is an object of any field values", () => {
  same<
    Same<Frame<Schema>, { readonly [name: string]: field.FieldValue }>
  >();
  // Every schema has a type that fits the type of a schema known only at run time.
  const any: Schema = Point;
  const frame: Frame<Schema> = { x: 1, nested: { list: [1n, null] } };
  assertEquals([any.name, Object.keys(frame).length], ["Point", 2]);
});

Deno.test("what does not fit a type does not compile", () => {
  // @ts-expect-error a buffer's elements are numbers
  Buffer(Bool);
  // @ts-expect-error a type of elements is no field
  Optional(field.UInt8);
  // @ts-expect-error nor the element of an array
  field.Array(field.Float16);
  // @ts-expect-error not a pixel format
  Texture("rgb565");
  const frame: Frame<typeof Point> = { x: 1, y: 2 };
  assertThrows(() => {
    // @ts-expect-error frozen at compile time as well
    Point.fields.x = { type: Int32 };
  }, TypeError);
  // @ts-expect-error this field does not exist
  assertEquals(frame.z, undefined);
});

Deno.test("field types are immutable, and carry what they were made from", () => {
  const type = Struct({ a: Optional(field.Array(Int32)), b: Enum("x", "y") });
  assertEquals(type.fields.a.type.inner.element, Int32);
  assertEquals(type.fields.b.type.variants, ["x", "y"]);
  assertEquals(Buffer(Float64).element_type, "Float64");
  assertEquals(Buffer(field.UInt8).element_type, "UInt8");
  assertEquals(Texture("any").format, "any");
  for (const part of [type, type.fields, type.fields.b.type.variants, UInt32]) {
    assert(Object.isFrozen(part));
  }
});
