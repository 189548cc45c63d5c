/**
 * Random frames with mirrors, clocks and counts at every depth: what is left out
 * of a template comes back, and what contradicts is refused by its name, in a
 * template, by the sender and by the receiver.
 */

import { assert, assertEquals } from "@std/assert";
import {
  Array as List,
  Buffer,
  Enum,
  type Field,
  type Fields,
  type FieldType,
  Float32,
  Int32,
  Int64,
  Optional,
  type Schema,
  Struct,
  Texture,
  UInt32,
  UInt64,
} from "../../../../proto/schema/field_type.ts";
import {
  Clock,
  Count,
  markOf,
  Mirror,
  mirrorTarget,
} from "../../../../proto/schema/marks/mark.ts";
import {
  parseSchema,
  schemaToJson,
} from "../../../../proto/schema/json/schema_json.ts";
import { schema } from "../../../../proto/schema/schema.ts";
import type { PixelFormat } from "../../../../proto/schema/surface.ts";
import { compileLane } from "../../../../proto/lane/lane_codec.ts";
import { completion } from "../../../../proto/wire/completion.ts";
import { compile } from "../../../../proto/wire/frame_codec.ts";
import { Misfit } from "../../../../proto/wire/misfit.ts";
import { FakeCapabilities } from "../../../helpers/fake_capabilities.ts";
import {
  FakeLaneMemory,
  payloadOf,
  readPayload,
} from "../../../helpers/lane/fake_lane_memory.ts";
import { Prng } from "../../../helpers/prng.ts";

const SEED = 20_261;
const RUNS = 300;
const NOW = 123_456_789n;
const COUNT = 41n;
const FORMATS: readonly PixelFormat[] = ["bgra8", "rgba8", "rgba16f", "gray8"];

type Values = Record<string, unknown>;

// ---- a random schema ----

function randomFields(prng: Prng, depth: number): Record<string, FieldType> {
  const fields: Record<string, FieldType> = { plain: UInt32 };
  const integer = () => prng.pick([Int32, UInt32, Int64, UInt64] as const);
  if (prng.below(3) > 0) {
    fields["t"] = Texture("any");
    if (prng.below(2)) fields["w"] = Mirror(integer(), "t.width");
    if (prng.below(2)) fields["h"] = Mirror(integer(), "t.height");
    if (prng.below(2)) {
      fields["f"] = Mirror(Enum(...FORMATS), "t.pixel_format");
    }
  }
  if (prng.below(2)) {
    fields["b"] = Buffer(Float32);
    if (prng.below(2)) fields["n"] = Mirror(integer(), "b.length");
  }
  if (prng.below(2)) fields["at"] = Clock(prng.pick([Int64, UInt64]));
  if (prng.below(2)) fields["nth"] = Count(integer());
  if (depth > 0) {
    const inner = Struct(randomFields(prng, depth - 1));
    fields["inner"] = prng.pick([
      inner,
      Optional(inner),
      List(inner),
      List(Optional(inner)),
    ]);
  }
  return fields;
}

function randomSchema(prng: Prng): Schema {
  return schema({
    name: "R",
    version: { major: 1, minor: 0, patch: 0 },
    fields: randomFields(prng, 3),
  });
}

// ---- a random frame of it ----

function integer(type: FieldType, value: number | bigint): unknown {
  const wide = type.kind === "Int64" || type.kind === "UInt64";
  return wide ? BigInt(value) : Number(value);
}

function randomValue(prng: Prng, type: FieldType): unknown {
  switch (type.kind) {
    case "Texture":
      return {
        width: 1 + prng.below(99),
        height: 1 + prng.below(99),
        pixel_format: prng.pick(FORMATS),
        bytes_per_row: 512,
        pixels: null,
      };
    case "Buffer":
      return new Float32Array(prng.below(9));
    case "Struct":
      return randomValues(prng, type.fields);
    case "Optional":
      return prng.below(3) ? randomValue(prng, type.inner) : null;
    case "Array":
      return Array.from(
        { length: prng.below(4) },
        () => randomValue(prng, type.element),
      );
    default:
      return prng.below(100);
  }
}

function randomValues(prng: Prng, fields: Fields): Values {
  const values: Values = {};
  for (const [name, { type }] of Object.entries<Field>(fields)) {
    const mark = markOf(type);
    const target = mark && mirrorTarget(mark);
    if (target) {
      const source = values[target.source] as Values;
      const value = source[target.property];
      values[name] = typeof value === "number" ? integer(type, value) : value;
    } else if (mark === "clock") values[name] = NOW;
    else if (mark === "count") values[name] = integer(type, COUNT);
    else values[name] = randomValue(prng, type);
  }
  return values;
}

/** Calls `visit` for each level in a frame, with the path to it. */
function levels(
  type: FieldType,
  value: unknown,
  path: string,
  visit: (fields: Fields, values: Values, path: string) => void,
): void {
  if (value === null) return;
  if (type.kind === "Optional") levels(type.inner, value, path, visit);
  else if (type.kind === "Array") {
    (value as unknown[]).forEach((item, i) =>
      levels(type.element, item, `${path}[${i}]`, visit)
    );
  } else if (type.kind === "Struct") {
    visit(type.fields, value as Values, path);
    for (const [name, field] of Object.entries<Field>(type.fields)) {
      const dot = path === "" ? "" : ".";
      levels(field.type, (value as Values)[name], path + dot + name, visit);
    }
  }
}

function asStruct({ fields }: Schema): FieldType {
  return Struct(fields);
}

/** Leaves out some of what the marks make known. */
function leaveOut(prng: Prng, schema: Schema, frame: Values): void {
  levels(asStruct(schema), frame, "", (fields, values) => {
    for (const [name, { type }] of Object.entries<Field>(fields)) {
      const mark = markOf(type);
      if (mark !== undefined && prng.below(2)) delete values[name];
    }
    const mirrors = (source: string): string[] =>
      Object.keys(fields).filter((name) => {
        const mark = markOf(fields[name]!.type);
        return values[name] !== undefined && mark !== undefined &&
          mirrorTarget(mark)?.source === source;
      });
    if ("t" in values && mirrors("t").length === 3 && prng.below(2)) {
      delete values["t"];
    }
    if ("b" in values && mirrors("b").length === 1 && prng.below(2)) {
      delete values["b"];
    }
  });
}

/** Returns a frame in which each texture and buffer is only its size, to compare templates with. */
function sizes(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) {
    return { length: (value as Float32Array).length };
  }
  if (Array.isArray(value)) return value.map(sizes);
  if (typeof value !== "object" || value === null) return value;
  const { bytes_per_row: _, pixels: __, ...rest } = value as Values;
  return Object.fromEntries(
    Object.entries(rest).map(([name, inner]) => [name, sizes(inner)]),
  );
}

const DEFAULTS = { now: () => NOW, count: COUNT, pixel_format: undefined };

/** Calls the test with as many random frames, each with its own seed in a failure. */
function forAll(
  test: (prng: Prng, schema: Schema, frame: Values) => void,
): void {
  for (let seed = SEED; seed < SEED + RUNS; seed++) {
    const prng = new Prng(seed);
    const schema = randomSchema(prng);
    const frame = randomValues(prng, schema.fields);
    try {
      test(prng, schema, frame);
    } catch (error) {
      const json = JSON.stringify(schemaToJson(schema, "full").fields);
      throw new Error(`with the seed ${seed}, fields ${json}`, {
        cause: error,
      });
    }
  }
}

Deno.test("whatever is left out of a template that its marks make known comes back", () => {
  forAll((prng, schema, frame) => {
    const template = structuredClone(frame);
    leaveOut(prng, schema, template);
    const before = structuredClone(template);
    const whole = completion(schema)?.(template, DEFAULTS) ?? template;
    assertEquals(sizes(whole), sizes(frame));
    assertEquals(template, before, "the template was changed");
  });
});

/** Changes one mirror in the frame. Returns its path, or undefined if there is none. */
function contradict(
  prng: Prng,
  schema: Schema,
  frame: Values,
): string | undefined {
  const places: (() => string)[] = [];
  levels(asStruct(schema), frame, "", (fields, values, path) => {
    for (const [name, { type }] of Object.entries<Field>(fields)) {
      const mark = markOf(type);
      if (mark === undefined || !mirrorTarget(mark)) continue;
      places.push(() => {
        const value = values[name];
        values[name] = typeof value === "string"
          ? prng.pick(FORMATS.filter((format) => format !== value))
          : integer(type, BigInt(value as number) + 1n);
        return path === "" ? name : `${path}.${name}`;
      });
    }
  });
  return places.length === 0 ? undefined : prng.pick(places)();
}

Deno.test("a frame with one contradiction is refused by its name: as a template, by its sender and by its receiver", () => {
  let refused = 0;
  forAll((prng, schema, frame) => {
    const codec = compile(schema);
    const { writer, reader } = new FakeCapabilities();
    const fields = codec.encode(frame as never, writer);
    assertEquals(codec.decode(fields, reader), frame as never);
    const { namer, finder } = new FakeLaneMemory();
    const lane = compileLane(schema);
    const payload = payloadOf(lane, frame, namer);
    assertEquals(readPayload(lane, payload, finder), frame);

    const path = contradict(prng, schema, frame);
    if (path === undefined) return;
    refused++;
    const misfit = completion(schema)!(frame, DEFAULTS);
    assert(misfit instanceof Misfit);
    assertEquals(misfit.field, path);
    assertEquals(codec.check(frame)?.field, path);
    // A peer that knows no marks sends it.
    const unmarked = compile(parseSchema(schemaToJson(schema)));
    const capabilities = new FakeCapabilities();
    const sent = unmarked.encode(frame as never, capabilities.writer);
    const read = codec.decode(sent, capabilities.reader);
    assert(read instanceof Misfit);
    assertEquals(read.field, path);
    const wide = unmarked.decode(sent, capabilities.reader);
    assert(!(wide instanceof Misfit), "a peer without marks reads it");
    contradictsInLane(schema, frame, path);
  });
  assert(refused > RUNS / 3);
});

/** Checks that a lane refuses a frame as a dictionary does. */
function contradictsInLane(schema: Schema, frame: Values, path: string): void {
  const codec = compileLane(schema);
  assertEquals(codec.measure(frame), compile(schema).check(frame)!);
  const unmarked = compileLane(parseSchema(schemaToJson(schema)));
  const { namer, finder } = new FakeLaneMemory();
  const payload = payloadOf(unmarked, frame, namer);
  const read = readPayload(codec, payload, finder);
  assert(read instanceof Misfit);
  assertEquals(read.field, path);
  assert(!(readPayload(unmarked, payload, finder) instanceof Misfit));
}

Deno.test("a time and a number that are given are no contradiction", () => {
  forAll((_, schema, frame) => {
    levels(asStruct(schema), frame, "", (fields, values) => {
      if ("at" in fields) values["at"] = 1n;
      if ("nth" in fields) values["nth"] = integer(fields["nth"]!.type, 1);
    });
    const whole = completion(schema)?.(frame, DEFAULTS) ?? frame;
    assertEquals(sizes(whole), sizes(frame));
    assertEquals(compile(schema).check(frame), undefined);
  });
});
