/** Random frames of random schemas: a lane and a dictionary carry the same. */

import { assert, assertEquals } from "@std/assert";
import { compileLane } from "../../../../proto/lane/lane_codec.ts";
import type { Schema } from "../../../../proto/schema/field_type.ts";
import { schemaToJson } from "../../../../proto/schema/json/schema_json.ts";
import { compile } from "../../../../proto/wire/frame_codec.ts";
import { Misfit } from "../../../../proto/wire/misfit.ts";
import { Packer, unpack } from "../../../../proto/wire/packed.ts";
import { FakeCapabilities } from "../../../helpers/fake_capabilities.ts";
import {
  FakeLaneMemory,
  payloadOf,
  readPayload,
} from "../../../helpers/lane/fake_lane_memory.ts";
import { Prng } from "../../../helpers/prng.ts";
import {
  RANDOM_MINOR,
  randomSchema,
  randomValue,
  randomValues,
} from "../../../helpers/random_frames.ts";
import type { XpcDictionary } from "../../../../proto/wire/xpc_value.ts";

const SEED = 15_000;
const SCHEMAS = 300;
const FRAMES = 5;

/** Calls the test with random schemas, each with its own seed in a failure. */
function forAll(
  test: (prng: Prng, schema: Schema, minor: number) => void,
): void {
  for (let seed = SEED; seed < SEED + SCHEMAS; seed++) {
    const prng = new Prng(seed);
    const schema = randomSchema(prng, 3);
    const minor = prng.below(RANDOM_MINOR + 1);
    try {
      test(prng, schema, minor);
    } catch (error) {
      const json = JSON.stringify(schemaToJson(schema, "full").fields);
      throw new Error(`with the seed ${seed}, minor ${minor}, fields ${json}`, {
        cause: error,
      });
    }
  }
}

/** Sends a frame in a packed dictionary. */
function throughDictionary(
  schema: Schema,
  minor: number,
  frame: unknown,
): unknown {
  const codec = compile(schema, { minor });
  const { writer, reader } = new FakeCapabilities();
  const packed = new Packer().pack({
    fields: codec.encode(frame as never, writer),
  });
  const fields = unpack(packed).message["fields"] as XpcDictionary;
  return codec.decode(fields, reader);
}

Deno.test("a random frame comes out of a lane as it comes out of a dictionary", () => {
  let frames = 0;
  forAll((prng, schema, minor) => {
    const codec = compileLane(schema, { minor });
    for (let n = 0; n < FRAMES; n++) {
      const frame = randomValues(prng, schema.fields, minor);
      const { namer, finder } = new FakeLaneMemory();
      const payload = payloadOf(codec, frame, namer);
      const read = readPayload(codec, payload, finder);
      assert(!(read instanceof Misfit), (read as Misfit).message);
      assertEquals(read, throughDictionary(schema, minor, frame));
      assertEquals(
        Object.keys(read as object),
        Object.keys(schema.fields),
        "the order of the fields",
      );
      frames++;
    }
  });
  assertEquals(frames, SCHEMAS * FRAMES);
});

/** Changes one value of a frame at random, mostly to one that does not fit. */
function spoil(prng: Prng, value: unknown): unknown {
  if (Array.isArray(value) && value.length > 0 && prng.below(4)) {
    const at = prng.below(value.length);
    return value.map((item, i) => i === at ? spoil(prng, item) : item);
  }
  if (isPlain(value) && prng.below(8)) {
    const names = Object.keys(value);
    const name = names.length === 0 || !prng.below(8)
      ? "extra"
      : prng.pick(names);
    const { [name]: old, ...rest } = value;
    return prng.below(8) ? { ...value, [name]: spoil(prng, old) } : rest;
  }
  return prng.pick<unknown>([
    undefined,
    null,
    -1,
    1.5,
    2 ** 40,
    1e300,
    -1n,
    2n ** 64n,
    "",
    "a\0b",
    "\ud800",
    "on",
    "dim",
    true,
    [],
    [1],
    {},
    new Uint8Array(2),
    new Float32Array(1),
    new BigInt64Array(3),
    () => {},
  ]);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
}

Deno.test("a frame that does not fit is refused for a lane with the words of a dictionary, and no other one is", () => {
  let refused = 0;
  let accepted = 0;
  forAll((prng, schema, minor) => {
    const lane = compileLane(schema, { minor });
    const dictionary = compile(schema, { minor });
    for (let n = 0; n < 2 * FRAMES; n++) {
      const frame = spoil(prng, randomValues(prng, schema.fields, minor));
      const misfit = dictionary.check(frame);
      const measured = lane.measure(frame);
      if (misfit) {
        assertEquals(measured, misfit);
        refused++;
      } else {
        const { namer, finder } = new FakeLaneMemory();
        const payload = payloadOf(lane, frame, namer);
        assertEquals(payload.length, measured);
        assertEquals(
          readPayload(lane, payload, finder),
          throughDictionary(schema, minor, frame),
        );
        accepted++;
      }
    }
  });
  assert(
    refused > SCHEMAS && accepted > SCHEMAS / 2,
    `${refused}, ${accepted}`,
  );
});

Deno.test("a value of a later variant is refused with the version that lacks it", () => {
  forAll((prng, schema, minor) => {
    const lane = compileLane(schema, { minor });
    const dictionary = compile(schema, { minor });
    const frame = Object.fromEntries(
      Object.entries(schema.fields).map(([name, { type }]) => [
        name,
        randomValue(prng, type, RANDOM_MINOR + 1),
      ]),
    );
    const misfit = dictionary.check(frame);
    if (misfit) assertEquals(lane.measure(frame), misfit);
    else assertEquals(lane.measure(frame), payloadOf(lane, frame).length);
  });
});
