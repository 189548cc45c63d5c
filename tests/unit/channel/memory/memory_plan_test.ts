import { assertEquals, assertThrows } from "@std/assert";
import {
  checkMemory,
  memoryCounter,
  shareOut,
} from "../../../../channel/memory/memory_plan.ts";
import { BridgeError } from "../../../../proto/errors.ts";
import * as types from "../../../../proto/schema/field_type.ts";
import { port } from "../../../../proto/schema/port.ts";
import type { Schema } from "../../../../proto/schema/field_type.ts";
import { schema } from "../../../../proto/schema/schema.ts";
import { VideoFrame } from "../../../../proto/schema/frames/video_frame.ts";

const version = { major: 1, minor: 0, patch: 0 };
const texture = types.Texture("any");

function of(name: string, fields: types.FieldDefinitions): Schema {
  return schema({ name, version, fields });
}

Deno.test("every texture and buffer is counted, an array's element once", () => {
  const count = memoryCounter();
  assertEquals(count(of("None", { a: types.Int32, b: types.Bytes })), 0);
  assertEquals(count(VideoFrame), 1);
  assertEquals(
    count(of("All", {
      a: texture,
      b: types.Buffer(types.Float32),
      c: types.Array(types.Array(texture)),
      d: types.Optional(types.Struct({ x: texture, y: types.Bool })),
      e: types.SchemaRef(VideoFrame),
      f: types.Array(types.SchemaRef(VideoFrame)),
    })),
    6,
  );
});

/** Each level refers twice to the next: 2 to the power of 15 leaves, with memory or without. */
function doubling(bottom: types.FieldType): Schema {
  let last = of("Level0", { bottom });
  for (let level = 1; level < 15; level++) {
    last = of(`Level${level}`, {
      left: types.SchemaRef(last),
      right: types.SchemaRef(last),
    });
  }
  return last;
}

Deno.test("schemas that refer to schemas are walked once", () => {
  assertEquals(memoryCounter()(doubling(texture)), 2 ** 14);
  assertEquals(memoryCounter()(doubling(types.Int32)), 0);
});

Deno.test("ports with more textures and buffers than can be offered are refused by name", () => {
  const many = (count: number) =>
    of(
      "Many",
      Object.fromEntries(
        Array.from({ length: count }, (_, i) => [`t${i}`, texture]),
      ),
    );
  checkMemory({ one: port(many(200)), two: port(many(56)) });
  const error = assertThrows(
    () => checkMemory({ one: port(many(200)), two: port(many(57)) }),
    BridgeError,
    "the ports one, two on one channel: their frames have 257 textures and buffers; at most 256",
  );
  assertEquals(error.code, "schema_mismatch");
  assertThrows(
    () => checkMemory({ deep: port(doubling(texture)) }),
    BridgeError,
    "16384",
  );
});

function shared(asks: readonly number[], total: number): number[] {
  const askers = asks.map((bound) => ({ bound }));
  shareOut(askers, total);
  return askers.map(({ bound }) => bound);
}

Deno.test("who asks for little gets it, the others share the rest alike", () => {
  assertEquals(shared([], 256), []);
  assertEquals(shared([6, 32, 34], 256), [6, 32, 34]);
  assertEquals(shared([256, 6], 256), [250, 6]);
  assertEquals(shared([256, 32, 256], 256), [112, 32, 112]);
  assertEquals(shared([65_536], 256), [256]);
  assertEquals(shared(Array(256).fill(256), 256), Array(256).fill(1));
  assertEquals(shared([0, 3, 9], 7), [0, 3, 4]);
});
