import { assertEquals, assertThrows } from "@std/assert";
import {
  BridgeError,
  Bytes,
  call,
  Count,
  DataFrame,
  describe,
  Enum,
  Int64,
  manual,
  Optional,
  parseDescription,
  port,
  type ProcessorDescription,
  reactive,
  schema,
  SchemaRef,
  setting,
  UInt32,
  UInt64,
  VideoFrame,
} from "../../../../../client/mod.ts";

const Point = schema({
  name: "Point",
  version: { major: 1, minor: 0, patch: 0 },
  fields: { x: { type: UInt32 } },
});
const Track = schema({
  name: "Track",
  version: { major: 2, minor: 1, patch: 0 },
  fields: {
    at: { type: SchemaRef(Point), description: "where it is" },
    number: { type: Count(UInt64) },
    note: { type: Optional(Bytes), since: 1 },
  },
});

const everything = reactive({
  inputs: {
    video: port(VideoFrame, {
      description: "the picture",
      formats: ["rgba8", "nv12"],
    }),
    data: port(DataFrame, {
      required: false,
      read_behavior: "read_next_in_order",
    }),
  },
  outputs: { tracks: port(Track, { capacity: 3 }) },
  settings: {
    since: setting(Int64, { default: -(2n ** 62n), description: "in ns" }),
    mode: setting(Enum("soft", "hard"), { default: "hard" }),
  },
  calls: {
    row: call(
      { request: { y: UInt32 }, reply: { pixels: Bytes } },
      () => ({ pixels: new Uint8Array(0) }),
    ),
  },
  process() {},
});

Deno.test("a description has what a processor declares, in the full form", () => {
  const { mode, ports, settings, calls } = describe(everything);
  assertEquals(mode, "reactive");
  assertEquals(
    ports?.inputs.map(({ name, description, required, formats }) => [
      name,
      description,
      required,
      formats,
    ]),
    [
      ["video", "the picture", true, ["rgba8", "nv12"]],
      ["data", "", false, undefined],
    ],
  );
  const [tracks] = ports!.outputs;
  assertEquals(tracks?.capacity, 3);
  assertEquals(tracks?.schema.version.minor, 1);
  assertEquals(
    tracks?.schema.fields.map(({ name, mark, since }) => [name, mark, since]),
    [["at", undefined, undefined], ["number", "count", undefined], [
      "note",
      undefined,
      1,
    ]],
  );
  assertEquals(ports?.schemas?.map(({ name }) => name), ["Point"]);
  assertEquals(settings[0], {
    name: "since",
    description: "in ns",
    type: "Int64",
    default: "-4611686018427387904",
  });
  assertEquals(calls, [{
    name: "row",
    request: [{ name: "y", type: "UInt32" }],
    reply: [{ name: "pixels", type: "Bytes" }],
  }]);
});

Deno.test("a description is read back as it was written", () => {
  for (const processor of [everything, manual({ start() {} })]) {
    const description = describe(processor);
    assertEquals(parseDescription(JSON.stringify(description)), description);
  }
  assertEquals(describe(manual({ start() {} })).ports, null);
});

Deno.test("each processor has a method that describes it, by a name that every version knows", () => {
  const method = Reflect.get(
    everything,
    Symbol.for("@streamlib/bridge.describe"),
  ) as () => ProcessorDescription;
  assertEquals(method(), describe(everything));
});

const WRONG: readonly [name: string, text: string, error: string][] = [
  ["no JSON", "{", "it is not JSON"],
  ["too long", " ".repeat(200_000), "it has 200000 characters"],
  ["no object", "[]", "it is an array of 0, not an object"],
  ["no mode", '{"ports":null,"settings":[],"calls":[]}', "'mode' is missing"],
  [
    "another mode",
    '{"mode":"lazy","ports":null,"settings":[],"calls":[]}',
    'mode is "lazy", not one of reactive, continuous, manual',
  ],
  [
    "more",
    '{"mode":"manual","ports":null,"settings":[],"calls":[],"x":1}',
    "it has the key 'x'",
  ],
  [
    "ports that are none",
    '{"mode":"manual","ports":7,"settings":[],"calls":[]}',
    "it is 7, not an object",
  ],
  [
    "a setting that is not valid",
    '{"mode":"manual","ports":null,"settings":[{"name":"a","type":"UInt32","default":-1}],"calls":[]}',
    "Cannot use the settings, 'a': its default",
  ],
  [
    "a format that there is not",
    JSON.stringify(describe(everything)).replace('"nv12"]', '"nv13"]'),
    'formats is "nv13", not one of bgra8',
  ],
];

for (const [name, text, error] of WRONG) {
  Deno.test(`a description is refused: ${name}`, () => {
    assertThrows(() => parseDescription(text), BridgeError, error);
  });
}
