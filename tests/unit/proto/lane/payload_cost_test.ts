import { assertEquals } from "@std/assert";
import { costPerByte } from "../../../../proto/lane/payload_cost.ts";
import * as types from "../../../../proto/schema/field_type.ts";
import { schema } from "../../../../proto/schema/schema.ts";

function of(fields: Record<string, types.FieldType>): types.Schema {
  return schema({
    name: "Costly",
    version: { major: 1, minor: 0, patch: 0 },
    fields,
  });
}

Deno.test("a byte costs a byte, but short values in lists are values of their own", () => {
  const { Array: List, Bool, Bytes, Float64, Struct, UInt32 } = types;
  const costs: [fields: Record<string, types.FieldType>, perByte: number][] = [
    [{ a: UInt32, b: Bytes }, 1],
    [{ a: List(Float64) }, 1 + 16 / 8],
    [{ a: List(Bool) }, 1 + 16],
    [{ a: List(Struct({ x: Float64, y: Float64 })) }, 1 + 3 * 16 / 16],
    [{ a: List(List(Bool)) }, 1 + 16],
    [{ a: Struct({ b: List(UInt32) }), c: Bool }, 1 + 16 / 4],
  ];
  for (const [fields, perByte] of costs) {
    assertEquals(costPerByte(of(fields)), perByte);
  }
});

Deno.test("a schema that is referred to again and again is looked at once", () => {
  let last = of({ a: types.Bool });
  for (let depth = 0; depth < 14; depth++) {
    last = schema({
      name: `Level${depth}`,
      version: { major: 1, minor: 0, patch: 0 },
      fields: { a: types.SchemaRef(last), b: types.SchemaRef(last) },
    });
  }
  assertEquals(costPerByte(last), 1);
});
