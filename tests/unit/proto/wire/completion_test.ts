import { assert, assertEquals } from "@std/assert";
import {
  Array as List,
  Buffer,
  Float32,
  Int32,
  Int64,
  Optional,
  type Schema,
  SchemaRef,
  String as Text,
  Struct,
  Texture,
  UInt32,
  UInt64,
} from "../../../../proto/schema/field_type.ts";
import { VideoFrame } from "../../../../proto/schema/frames/video_frame.ts";
import { Clock, Count, Mirror } from "../../../../proto/schema/marks/mark.ts";
import { schema } from "../../../../proto/schema/schema.ts";
import {
  completion,
  type TemplateDefaults,
} from "../../../../proto/wire/completion.ts";
import { Misfit } from "../../../../proto/wire/misfit.ts";

const version = { major: 1, minor: 0, patch: 0 };
const DEFAULTS: TemplateDefaults = {
  now: () => 5_000n,
  count: 7n,
  pixel_format: undefined,
};

function completed(
  schema: Schema,
  template: object,
  defaults: Partial<TemplateDefaults> = {},
): unknown {
  return completion(schema)?.(template, { ...DEFAULTS, ...defaults });
}

function contradicts(schema: Schema, template: object): string {
  const misfit = completed(schema, template);
  assert(misfit instanceof Misfit);
  return misfit.of(schema.name).message;
}

const SIZE = { width: 4, height: 3, pixel_format: "rgba8" };
const WHOLE = {
  ...SIZE,
  pixel_buffer: SIZE,
  timestamp_ns: 5_000n,
  frame_number: 7n,
};

Deno.test("the fields that mirror a texture make it, and the texture makes them", () => {
  assertEquals(completed(VideoFrame, SIZE), WHOLE);
  assertEquals(completed(VideoFrame, { pixel_buffer: SIZE }), WHOLE);
  assertEquals(
    completed(VideoFrame, { pixel_buffer: { width: 4, height: 3 }, ...SIZE }),
    WHOLE,
  );
  assertEquals(
    completed(VideoFrame, {
      width: 4,
      pixel_buffer: { height: 3, pixel_format: "rgba8" },
    }),
    WHOLE,
  );
});

Deno.test("the size of a surface is read from its getters", () => {
  class View {
    get width(): number {
      return 4;
    }
    get height(): number {
      return 3;
    }
    get pixel_format(): string {
      return "rgba8";
    }
  }
  const pixel_buffer = new View();
  const whole = completed(VideoFrame, { pixel_buffer });
  assertEquals(whole, { ...WHOLE, pixel_buffer });
});

Deno.test("what is given stays: the time, the number, and what no mark knows", () => {
  const given = { ...SIZE, timestamp_ns: -1n, frame_number: 0n, color: null };
  assertEquals(completed(VideoFrame, given), {
    ...given,
    pixel_buffer: SIZE,
  });
  assertEquals(given.timestamp_ns, -1n);
  assertEquals(completed(VideoFrame, WHOLE), WHOLE);
});

Deno.test("what is not known stays absent", () => {
  assertEquals(completed(VideoFrame, { width: 4 }), {
    width: 4,
    pixel_buffer: { width: 4, height: undefined, pixel_format: undefined },
    timestamp_ns: 5_000n,
    frame_number: 7n,
  });
  assertEquals(completed(VideoFrame, {}), {
    timestamp_ns: 5_000n,
    frame_number: 7n,
  });
});

Deno.test("a template's format is by default that on which the sides have agreed", () => {
  const agreed = { pixel_format: "gray8" } as const;
  const { pixel_format: _, ...size } = SIZE;
  const gray = { ...WHOLE, ...agreed, pixel_buffer: { ...size, ...agreed } };
  assertEquals(completed(VideoFrame, size, agreed), gray);
  assertEquals(completed(VideoFrame, { pixel_buffer: size }, agreed), gray);
  assertEquals(completed(VideoFrame, SIZE, agreed), WHOLE);
});

Deno.test("a texture of one format need not be given it", () => {
  const Gray = schema({
    name: "Gray",
    version,
    fields: { t: Texture("gray8"), all: List(Texture("rgba8")) },
  });
  const size = { width: 1, height: 2 };
  assertEquals(completed(Gray, { t: size, all: [size] }), {
    t: { ...size, pixel_format: "gray8" },
    all: [{ ...size, pixel_format: "rgba8" }],
  });
});

Deno.test("a contradiction is a misfit that names the field", () => {
  assertEquals(
    contradicts(VideoFrame, { ...WHOLE, width: 5 }),
    "VideoFrame.width: expected 4, which is the width of 'pixel_buffer', got 5",
  );
  assertEquals(
    contradicts(VideoFrame, { ...WHOLE, pixel_format: "gray8" }),
    `VideoFrame.pixel_format: expected "rgba8", which is the pixel_format of 'pixel_buffer', got "gray8"`,
  );
  assertEquals(
    contradicts(VideoFrame, { width: 4n, pixel_buffer: SIZE }),
    "VideoFrame.width: expected 4, which is the width of 'pixel_buffer', got 4n",
  );
});

Deno.test("a template that is not of the schema's form is left to the codec", () => {
  assertEquals(completed(VideoFrame, { pixel_buffer: 3, width: 4 }), {
    pixel_buffer: 3,
    width: 4,
    timestamp_ns: 5_000n,
    frame_number: 7n,
  });
  const Parts = schema({
    name: "Parts",
    version,
    fields: { parts: List(Struct({ at: Clock(Int64) })) },
  });
  assertEquals(completed(Parts, { parts: 3 }), { parts: 3 });
  assertEquals(completed(Parts, { parts: [null] }), { parts: [null] });
});

Deno.test("a schema without marks and textures has nothing to complete", () => {
  const Plain = schema({
    name: "Plain",
    version,
    fields: { n: UInt32, b: Buffer(Float32), list: List(Text) },
  });
  assertEquals(completion(Plain), undefined);
});

Deno.test("all clocks of a frame are read once, at any depth", () => {
  const Part = schema({
    name: "Part",
    version,
    fields: { at: Clock(UInt64), nth: Count(Int32) },
  });
  const Whole = schema({
    name: "Whole",
    version,
    fields: {
      at: Clock(Int64),
      part: SchemaRef(Part),
      list: List(Optional(SchemaRef(Part))),
    },
  });
  let reads = 0n;
  assertEquals(
    completed(Whole, { part: {}, list: [{}, null, { nth: 1 }] }, {
      now: () => ++reads,
    }),
    {
      at: 1n,
      part: { at: 1n, nth: 7 },
      list: [{ at: 1n, nth: 7 }, null, { at: 1n, nth: 1 }],
    },
  );
  assertEquals(
    completed(Whole, { at: 3n, part: { at: 4n }, list: [] }, {
      now: () => ++reads,
    }),
    { at: 3n, part: { at: 4n, nth: 7 }, list: [] },
  );
  assertEquals(reads, 1n);
});

Deno.test("the fields of a nested level mirror what is beside them there", () => {
  const Nested = schema({
    name: "Nested",
    version,
    fields: {
      parts: List(Struct({
        samples: Buffer(Float32),
        count: Mirror(Int64, "samples.length"),
        picture: Optional(SchemaRef(VideoFrame)),
      })),
    },
  });
  assertEquals(
    completed(Nested, {
      parts: [{ count: 3n, picture: SIZE }, {
        samples: new Float32Array(2),
        picture: null,
      }],
    }),
    {
      parts: [
        { samples: { length: 3 }, count: 3n, picture: WHOLE },
        { samples: new Float32Array(2), count: 2n, picture: null },
      ],
    },
  );
  assertEquals(
    contradicts(Nested, {
      parts: [{ count: 0n }, { picture: { ...WHOLE, height: 9 } }],
    }),
    "Nested.parts[1].picture.height: expected 3, which is the height of 'pixel_buffer', got 9",
  );
  assertEquals(
    contradicts(Nested, {
      parts: [{ samples: { length: 1 }, count: 2n, picture: null }],
    }),
    "Nested.parts[0].count: expected 1, which is the length of 'samples', got 2n",
  );
});
