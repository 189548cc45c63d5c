import { assert, assertEquals, assertThrows } from "@std/assert";
import { BridgeError } from "../../../../proto/errors.ts";
import { compileLane } from "../../../../proto/lane/lane_codec.ts";
import { laneBytes } from "../../../../proto/lane/lane_memory.ts";
import * as types from "../../../../proto/schema/field_type.ts";
import type { Schema } from "../../../../proto/schema/field_type.ts";
import { VideoFrame } from "../../../../proto/schema/frames/video_frame.ts";
import {
  parseSchemas,
  schemaToJson,
} from "../../../../proto/schema/json/schema_json.ts";
import { schema } from "../../../../proto/schema/schema.ts";
import { Misfit } from "../../../../proto/wire/misfit.ts";
import { surface } from "../../../helpers/fake_capabilities.ts";
import {
  FakeLaneMemory,
  payloadOf,
  readPayload,
} from "../../../helpers/lane/fake_lane_memory.ts";

const version = { major: 1, minor: 0, patch: 0 };

/** A schema with one field, `f`. */
function only(type: types.FieldType): Schema {
  return schema({ name: "S", version, fields: { f: type } });
}

function of<D extends types.FieldDefinitions>(fields: D) {
  return schema({ name: "S", version, fields });
}

/** Numbers of four bytes, little-endian. */
function words(...numbers: number[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Uint32Array.from(numbers).buffer);
}

function unreadable(
  schema: Schema,
  payload: Uint8Array,
  message: string,
  memory = new FakeLaneMemory(),
): void {
  const frame = readPayload(compileLane(schema), payload, memory.finder);
  assert(frame instanceof Misfit, "the payload is a frame");
  assertEquals(frame.message, message);
}

Deno.test("fields are sorted by name, and aligned, with zeros between them", () => {
  const codec = compileLane(of({
    b: types.UInt32,
    a: types.Bool,
    c: types.UInt64,
    d: types.Enum("x", "y"),
    B: types.UInt32,
  }));
  const payload = payloadOf(codec, { b: 2, a: true, c: 3n, d: "y", B: 1 });
  assertEquals(
    payload,
    Uint8Array.of(
      ...[1, 0, 0, 0], // B
      ...[1, 0, 0, 0], // a, padding
      ...[2, 0, 0, 0], // b
      ...[0, 0, 0, 0], // padding
      ...[3, 0, 0, 0, 0, 0, 0, 0], // c
      ...[1, 0], // d
    ),
  );
  assertEquals(readPayload(codec, payload), {
    b: 2,
    a: true,
    c: 3n,
    d: "y",
    B: 1,
  });
});

Deno.test("a reader does not look at padding", () => {
  const codec = compileLane(of({ a: types.Bool, b: types.UInt32 }));
  const payload = Uint8Array.of(1, 9, 9, 9, 5, 0, 0, 0);
  assertEquals(readPayload(codec, payload), { a: true, b: 5 });
});

Deno.test("a level without fields is one byte", () => {
  assertEquals(payloadOf(compileLane(of({})), {}), Uint8Array.of(0));
  assertEquals(readPayload(compileLane(of({})), Uint8Array.of(0)), {});
  const list = only(types.Array(types.Struct({})));
  assertEquals(
    payloadOf(compileLane(list), { f: [{}, {}] }),
    Uint8Array.of(2, 0, 0, 0, 0, 0),
  );
  unreadable(
    of({}),
    new Uint8Array(0),
    "S: expected 1 byte, got the end of the frame",
  );
});

Deno.test("a payload that ends early is a misfit of the field that is not complete", () => {
  const three = of({ a: types.UInt32, b: types.Bool, c: types.UInt32 });
  const why = (bytes: number, expected: string): void =>
    unreadable(
      three,
      new Uint8Array(bytes),
      `${expected}, got the end of the frame`,
    );
  why(0, "S.a: expected 4 bytes");
  why(3, "S.a: expected 4 bytes");
  why(4, "S.b: expected 1 byte");
  why(5, "S.c: expected 4 bytes");
  why(11, "S.c: expected 4 bytes");
  assertEquals(readPayload(compileLane(three), new Uint8Array(12)), {
    a: 0,
    b: false,
    c: 0,
  });
});

Deno.test("a payload that goes on is a misfit", () => {
  unreadable(
    only(types.Bool),
    new Uint8Array(4),
    "S: expected no other fields, got 3 bytes more",
  );
});

Deno.test("numbers that are no values are misfits", () => {
  unreadable(
    only(types.Bool),
    Uint8Array.of(2),
    "S.f: expected true or false, got the byte 2",
  );
  const mode = types.Enum("on", "off");
  unreadable(
    only(mode),
    Uint8Array.of(2, 0),
    'S.f: expected one of "on", "off", got the index 2',
  );
  unreadable(
    only(types.Optional(types.Bool)),
    Uint8Array.of(2, 1),
    "S.f: expected a value or null, got the byte 2",
  );
  unreadable(
    only(types.Array(mode)),
    Uint8Array.of(2, 0, 0, 0, 1, 0, 9, 0),
    'S.f[1]: expected one of "on", "off", got the index 9',
  );
});

Deno.test("the index of an enum is in the list of the agreed minor version", () => {
  const mode = types.Extended(types.Enum("a", "b"), 1, "c");
  const grown = schema({
    name: "S",
    version: { ...version, minor: 1 },
    fields: { f: mode },
  });
  const codec = compileLane(grown, { minor: 0 });
  assertEquals(readPayload(codec, Uint8Array.of(1, 0)), { f: "b" });
  const later = readPayload(codec, Uint8Array.of(2, 0));
  assert(later instanceof Misfit);
  assertEquals(later.message, 'S.f: expected one of "a", "b", got the index 2');
  assertEquals(readPayload(compileLane(grown), Uint8Array.of(2, 0)), {
    f: "c",
  });
});

Deno.test("text that is no UTF-8, or has U+0000, is a misfit, whatever its length", () => {
  const text = only(types.String);
  const why =
    "S.f: expected a string without U+0000 or lone surrogates, got other bytes";
  const bad = [[0], [0x61, 0], [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [
    0xe2,
    0x82,
  ]];
  for (const tail of bad) {
    for (const before of [0, 40, 100]) {
      const bytes = [...new Uint8Array(before).fill(0x61), ...tail];
      unreadable(text, Uint8Array.of(...words(bytes.length), ...bytes), why);
    }
  }
  const codec = compileLane(text);
  assertEquals(
    readPayload(codec, Uint8Array.of(...words(3), 0xef, 0xbb, 0xbf)),
    { f: "\ufeff" },
  );
});

Deno.test("sizes and counts beyond the end are misfits, and nothing is allocated for them", () => {
  const most = 2 ** 32 - 1;
  const end = "got the end of the frame";
  unreadable(
    only(types.String),
    words(most),
    `S.f: expected ${most} bytes, ${end}`,
  );
  unreadable(only(types.Bytes), words(5, 0), `S.f: expected 5 bytes, ${end}`);
  for (
    const element of [
      types.UInt32,
      types.Float64,
      types.Bool,
      types.Struct({}),
      types.FixedArray(types.Bool, 0),
    ]
  ) {
    unreadable(
      only(types.Array(element)),
      words(most, 0),
      `S.f: expected ${most} values, ${end}`,
    );
  }
  unreadable(
    only(types.Array(types.String)),
    words(2, 0),
    `S.f: expected 2 values, ${end}`,
  );
  // The padding before numbers is no room for them.
  unreadable(
    only(types.Array(types.Int64)),
    words(1, 0, 0),
    `S.f: expected 1 value, ${end}`,
  );
  unreadable(
    only(types.Array(types.Int64)),
    new Uint8Array(3),
    `S.f: expected 4 bytes, ${end}`,
  );
});

Deno.test("the names of memory are an id, a generation and whether it was moved", () => {
  const both = of({ a: types.Texture("any"), b: types.Buffer(types.Int16) });
  const memory = new FakeLaneMemory();
  const picture = surface("gray8");
  const frame = { a: picture, b: new Int16Array(3) };
  const namer = {
    name: (value: unknown) => ({
      id: value === picture ? 1 : 2,
      generation: 2 ** 32 - 1,
      moved: value === picture,
    }),
  };
  const payload = payloadOf(compileLane(both), frame, namer);
  assertEquals(payload, words(1, 2 ** 32 - 1, 1, 2, 2 ** 32 - 1, 0, 3));
  memory.sent.push(frame.a, frame.b);
  assertEquals(readPayload(compileLane(both), payload, memory.finder), frame);
  assertEquals(memory.asked, [
    { id: 1, generation: 2 ** 32 - 1, moved: true },
    { id: 2, generation: 2 ** 32 - 1, moved: false },
  ]);
  unreadable(
    only(types.Texture("any")),
    words(1, 1, 2),
    "S.f: expected a surface, got the flags 2",
  );
});

Deno.test("of a frame that does not fit, the finder is asked for every name that can still be read", () => {
  const codec = compileLane(of({
    a: types.Bool,
    b: types.Texture("any"),
    c: types.Array(
      types.Struct({ m: types.Enum("x"), t: types.Texture("gray8") }),
    ),
    d: types.Optional(types.Buffer(types.UInt8)),
    e: types.String,
    f: types.Texture("any"),
  }));
  const names = (...numbers: number[]) =>
    words(...numbers.flatMap((id) => [id, 7, 0]));
  const tail = [1, 0, 0, 0, ...names(5), ...words(0)];
  const payload = Uint8Array.of(
    ...[2, 0, 0, 0], // not true or false
    ...names(9), // not known
    ...words(2),
    ...[1, 0, 0, 0], // no index
    ...names(3),
    ...[0, 0, 0, 0],
    ...names(4),
    ...tail,
    ...words(1),
    0xff, // no text
    ...[0, 0, 0],
    ...names(6),
  );
  const memory = new FakeLaneMemory();
  const frame = readPayload(codec, payload, memory.finder);
  assert(frame instanceof Misfit);
  assertEquals(frame.message, "S.a: expected true or false, got the byte 2");
  assertEquals(memory.asked.map(({ id }) => id), [9, 3, 4, 5, 6]);
});

Deno.test("a frame that changes between measuring and writing is not written over its end", () => {
  const grows = (type: types.FieldType, ...values: unknown[]): void => {
    const codec = compileLane(of({ f: type, g: types.UInt32 }));
    let reads = 0;
    const frame = {
      get f(): unknown {
        return values[Math.min(reads++, values.length - 1)];
      },
      g: 1,
    };
    const bytes = codec.measure(frame);
    assert(typeof bytes === "number");
    const memory = laneBytes(new Uint8Array(bytes + 64));
    const error = assertThrows(
      () =>
        codec.write(
          frame as never,
          memory,
          0,
          bytes,
          new FakeLaneMemory().namer,
        ),
      BridgeError,
      "Cannot send a frame that has changed while it was sent",
    );
    assertEquals(error.code, "bad_argument");
    assertEquals(memory.bytes.subarray(bytes), new Uint8Array(64));
  };
  grows(types.String, "a", "a", "longer than before");
  grows(types.String, "a", "a", "é".repeat(9));
  grows(types.String, "long enough", "long enough", "");
  grows(types.Bytes, new Uint8Array(1), new Uint8Array(1), new Uint8Array(40));
  grows(
    types.Array(types.Float64),
    new Float64Array(1),
    new Float64Array(1),
    new Float64Array(9),
  );
  grows(types.Array(types.Bool), [true], [true], new Array(40).fill(true));
  grows(types.Optional(types.UInt64), null, null, 1n);
});

Deno.test("a payload may be anywhere in its memory, at a multiple of 8", () => {
  const codec = compileLane(
    of({ a: types.Array(types.Float64), b: types.Bool }),
  );
  const memory = laneBytes(new Uint8Array(new ArrayBuffer(1024), 3));
  const frame = { a: new Float64Array(80).fill(0.5), b: true };
  const bytes = codec.measure(frame) as number;
  codec.write(frame, memory, 16, bytes, new FakeLaneMemory().namer);
  const read = {};
  const { finder } = new FakeLaneMemory();
  assertEquals(codec.read(memory, 16, bytes, finder, read), undefined);
  assertEquals(read, frame);
});

Deno.test("the size of a frame is right beyond 4 GiB", () => {
  const codec = compileLane(
    of({ a: types.Array(types.Bytes), b: types.UInt64 }),
  );
  const large = new Uint8Array(2 ** 29);
  const list = new Array(9).fill(large);
  assertEquals(
    codec.measure({ a: list, b: 1n }),
    4 + 9 * (4 + 2 ** 29) + 8,
  );
});

Deno.test("a schema is compiled once, however often it is referred to", () => {
  // Otherwise this would compile 64 ^ 7 fields.
  const table = parseSchemas(Array.from({ length: 8 }, (_, n) => ({
    ...schemaToJson(VideoFrame),
    name: `L${n}`,
    fields: Array.from({ length: 64 }, (_, i) => ({
      name: `f${i}`,
      type: n === 0 ? "Bool" : { Optional: { SchemaRef: `L${n - 1}` } },
    })),
  })));
  const codec = compileLane(table.get("L7") as Schema);
  const misfit = codec.measure({ f0: { f1: { f63: 5 } } });
  assert(misfit instanceof Misfit);
  assertEquals(misfit.message, "L7.f0.f1.f63: expected an object, got 5");
  assertEquals(payloadOf(codec, {}), new Uint8Array(64));
});

Deno.test("names of fields never become code", () => {
  const name = 'a"]; globalThis.broken = true; //';
  const hostile = {
    ...of({}),
    fields: { [name]: { type: types.UInt32 } },
  } as Schema;
  const codec = compileLane(hostile);
  assertEquals(readPayload(codec, payloadOf(codec, { [name]: 5 })), {
    [name]: 5,
  });
  assertEquals("broken" in globalThis, false);
});

Deno.test("a frame costs about what it takes in memory", () => {
  const codec = compileLane(of({ a: types.UInt32, b: types.String }));
  assertEquals(codec.cost(12), 64);
  assertEquals(codec.cost(1000), 1000 + 2 * 16);
});
