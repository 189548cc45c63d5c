import { assert, assertEquals } from "@std/assert";
import type * as FastCheck from "fast-check";
import { connectionSchema } from "../../proto/schema/connection_schema.ts";
import * as types from "../../proto/schema/field_type.ts";
import { port } from "../../proto/schema/port.ts";
import { schema } from "../../proto/schema/schema.ts";
import {
  double,
  int64,
  uint64,
  type XpcDictionary,
  type XpcValue,
} from "../../proto/wire/xpc_value.ts";
import { type ChannelPair, channelPairTest } from "../helpers/channel_pair.ts";

/** Frames from a peer that violates the schema. All fields are optional, so that each frame is wrong in one field only. */
const Wire = schema({
  name: "Wire",
  version: { major: 1, minor: 0, patch: 0 },
  fields: {
    int32: types.Optional(types.Int32),
    int64: types.Optional(types.Int64),
    uint32: types.Optional(types.UInt32),
    uint64: types.Optional(types.UInt64),
    float32: types.Optional(types.Float32),
    float64: types.Optional(types.Float64),
    bool: types.Optional(types.Bool),
    string: types.Optional(types.String),
    bytes: types.Optional(types.Bytes),
    enumeration: types.Optional(types.Enum("on", "off")),
    texture: types.Optional(types.Texture("rgba8")),
    buffer: types.Optional(types.Buffer(types.Float32)),
    numbers: types.Optional(types.Array(types.Int32)),
    fixed: types.Optional(types.FixedArray(types.Bool, 2)),
    struct: types.Optional(types.Struct({ deep: types.UInt32 })),
    tiles: types.Optional(types.Array(types.Texture("any"))),
  },
});

const { inputs } = connectionSchema({
  inputs: {
    wire: port(Wire, { read_behavior: "read_next_in_order", capacity: 8 }),
  },
});
type Pair = ChannelPair<typeof inputs>;

let nextFrame = 1;

function sendRaw(pair: Pair, fields: XpcDictionary): void {
  pair.raw.send({
    msg_type: "frame",
    frame_id: uint64(nextFrame++),
    port_name: "wire",
    fields,
  });
}

const INT32 = "int64 from -2147483648 to 2147483647";
const UINT32 = "uint64 from 0 to 4294967295";

const WRONG: readonly [fields: XpcDictionary, said: string][] = [
  [{ int32: int64(2 ** 31) }, `int32: expected ${INT32}, got int64 2147483648`],
  [
    { int32: int64(-(2 ** 31) - 1) },
    `int32: expected ${INT32}, got int64 -2147483649`,
  ],
  [
    { int32: int64(-(2n ** 63n)) },
    `int32: expected ${INT32}, got int64 ${-(2n ** 63n)}`,
  ],
  [{ int32: uint64(1) }, `int32: expected ${INT32}, got uint64 1`],
  [{ int32: double(1) }, `int32: expected ${INT32}, got double 1`],
  [
    { uint32: uint64(2 ** 32) },
    `uint32: expected ${UINT32}, got uint64 ${2 ** 32}`,
  ],
  [{ uint32: int64(-1) }, `uint32: expected ${UINT32}, got int64 -1`],
  [
    { int64: uint64(2n ** 63n) },
    `int64: expected int64, got uint64 ${2n ** 63n}`,
  ],
  [{ uint64: int64(-1) }, "uint64: expected uint64, got int64 -1"],
  [
    { float32: double(1e39) },
    "float32: expected double in the range of a 32-bit float, got double 1e+39",
  ],
  [{ float64: int64(1) }, "float64: expected double, got int64 1"],
  [{ bool: uint64(1) }, "bool: expected bool, got uint64 1"],
  [
    { string: Uint8Array.of(65) },
    "string: expected string, got data of 1 bytes",
  ],
  [{ bytes: "A" }, `bytes: expected data, got string "A"`],
  [
    { enumeration: "ON" },
    `enumeration: expected string, one of "on", "off", got string "ON"`,
  ],
  [
    { texture: uint64(1) },
    "texture: expected a surface of rgba8, got neither a surface nor the name of one",
  ],
  [
    { texture: { surface_id: uint64(5), generation: uint64(1) } },
    "texture: expected a surface of rgba8, got surface 5, which was never offered or is retired",
  ],
  [
    { buffer: { surface_id: int64(5), generation: uint64(1) } },
    "buffer: expected a buffer of Float32, got a name without surface_id and generation",
  ],
  [
    { numbers: [int64(1), int64(2n ** 40n)] },
    `numbers[1]: expected ${INT32}, got int64 ${2n ** 40n}`,
  ],
  [
    { numbers: { 0: int64(1) } },
    "numbers: expected an array, got a dictionary of 1 keys",
  ],
  [{ fixed: [true] }, "fixed: expected 2 values, got 1"],
  [{ fixed: [true, null] }, "fixed[1]: expected bool, got null"],
  [{ struct: [] }, "struct: expected a dictionary, got an array of 0"],
  [{ struct: {} }, `struct.deep: expected ${UINT32}, got nothing`],
  [
    { struct: { deep: uint64(1), more: null } },
    "struct: expected no other fields, got the field 'more'",
  ],
  [
    { tiles: [{ surface_id: uint64(5) }] },
    "tiles[0]: expected a surface, got a name without surface_id and generation",
  ],
  [{ other: null }, ": expected no other fields, got the field 'other'"],
];

for (const [index, [fields, said]] of WRONG.entries()) {
  channelPairTest<typeof inputs>(
    `a peer's value that does not fit is told once by name, counted and dropped: ${index} ${said}`,
    inputs,
    async (pair) => {
      for (let n = 0; n < 3; n++) sendRaw(pair, fields);
      sendRaw(pair, { bool: true });
      await pair.settle();
      assertEquals(pair.problems, [
        `a frame on port 'wire' does not fit: Wire${
          said.startsWith(":") ? "" : "."
        }${said}`,
      ]);
      assertEquals(
        [pair.receiver.stats.misfits, pair.receiver.stats.received],
        [
          3,
          1,
        ],
      );
      using frame = pair.receiver.receivers.wire.get();
      assertEquals(frame?.bool, true);
    },
  );
}

type FC = typeof FastCheck.default;

/** Any XPC value except capabilities. */
function anyValue(fc: FC): FastCheck.Arbitrary<XpcValue> {
  const numbers = [
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(int64),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(uint64),
    fc.double().map(double),
    fc.constantFrom(0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32).map(int64),
    fc.constantFrom(0, 1, 2 ** 32 - 1, 2 ** 32).map(uint64),
  ];
  const name = fc.record({
    surface_id: fc.oneof(...numbers),
    generation: fc.oneof(...numbers),
    length: fc.oneof(...numbers),
  });
  const { value } = fc.letrec<{ value: XpcValue }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.constantFrom<XpcValue>(null, true, "on", "off", "", "text"),
      fc.uint8Array({ maxLength: 9 }),
      ...numbers,
      name,
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom("deep", "more", "__proto__"), tie("value")),
    ),
  }));
  return value;
}

channelPairTest<typeof inputs>(
  "whatever a peer puts into a frame, it is read or counted, and the channel goes on",
  inputs,
  async (pair) => {
    const { default: fc } = await import("fast-check");
    let runs = 0;
    const fields = fc.dictionary(
      fc.constantFrom(...Object.keys(Wire.fields), "toString"),
      anyValue(fc),
      { maxKeys: 3 },
    );
    await fc.assert(
      fc.asyncProperty(fields, async (fields) => {
        runs++;
        sendRaw(pair, fields);
        await pair.settle();
        using frame = pair.receiver.receivers.wire.get();
        const { received, misfits, dropped } = pair.receiver.stats;
        assertEquals([received + misfits, dropped], [runs, 0]);
        const names: string[] = [];
        for (const name in frame) names.push(name);
        if (frame) assertEquals(names.sort(), Object.keys(Wire.fields).sort());
      }),
      { numRuns: 1_000, seed: 20_260_102 },
    );
    const { received, misfits } = pair.receiver.stats;
    assert(received > 50, `${received} were read`);
    assert(misfits > 50, `${misfits} did not fit`);
    assertEquals(pair.problems.length, 1);
  },
);
