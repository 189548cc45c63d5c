/**
 * Payloads from a peer that is not trusted, in memory that it changes while they
 * are read: random bytes, and payloads of which some bytes were changed.
 */

import { assert, assertEquals } from "@std/assert";
import {
  compileLane,
  type LaneCodec,
} from "../../../../proto/lane/lane_codec.ts";
import type {
  MemoryFinder,
  MemoryName,
} from "../../../../proto/lane/lane_memory.ts";
import type { Schema } from "../../../../proto/schema/field_type.ts";
import { NUMERIC_ARRAYS } from "../../../../proto/schema/numeric_array.ts";
import { schemaToJson } from "../../../../proto/schema/json/schema_json.ts";
import { surface } from "../../../helpers/fake_capabilities.ts";
import { payloadOf } from "../../../helpers/lane/fake_lane_memory.ts";
import { HostileBytes } from "../../../helpers/hostile_bytes.ts";
import { Prng } from "../../../helpers/prng.ts";
import { randomSchema, randomValues } from "../../../helpers/random_frames.ts";

const SEED = 151_000;
const SCHEMAS = 200;
const PAYLOADS = 60;
/** Where payloads begin; behind them is as much memory. */
const AT = 64;

/** The variants of random enums, which take two bytes. */
const VARIANTS = new Set(["on", "off", "a name", "dim", "ünusual"]);

/** Finds something for every second name. */
class AnyMemory implements MemoryFinder {
  readonly asked: MemoryName[] = [];
  readonly found = new Set<unknown>();

  texture(name: MemoryName): ReturnType<MemoryFinder["texture"]> {
    this.asked.push(name);
    if (name.id % 2 === 0) return "no surface of this connection";
    const picture = surface("bgra8");
    this.found.add(picture);
    return picture;
  }

  buffer: MemoryFinder["buffer"] = (name, element_type) => {
    this.asked.push(name);
    if (name.id % 2 === 0) return "no buffer of this connection";
    const buffer = new NUMERIC_ARRAYS[element_type](3);
    this.found.add(buffer);
    return buffer;
  };

  /** Returns how many elements of lists, units of text and bytes a frame has in its own memory. */
  sizeOf(value: unknown): number {
    if (typeof value === "string") {
      return VARIANTS.has(value) ? 0 : value.length;
    }
    if (typeof value !== "object" || value === null) return 0;
    if (this.found.has(value)) return 0;
    if (ArrayBuffer.isView(value)) return value.byteLength;
    const elements = Array.isArray(value) ? value.length : 0;
    return Object.values(value).reduce(
      (sum, item) => sum + this.sizeOf(item),
      elements,
    );
  }
}

/** Reads a payload in hostile memory, and checks what comes out. Returns whether it is a frame. */
function readHostile(
  schema: Schema,
  codec: LaneCodec,
  payload: Uint8Array,
  prng: Prng,
): boolean {
  const memory = Uint8Array.from(prng.bytes(AT + payload.length + AT));
  memory.set(payload, AT);
  const end = AT + payload.length;
  const bytes = new HostileBytes(memory, AT, end, prng);
  const finder = new AnyMemory();
  const frame = {};
  const misfit = codec.read(bytes, AT, payload.length, finder, frame);
  bytes.check();
  for (const { id, generation } of finder.asked) {
    assert(id >= 0 && id < 2 ** 32 && generation >= 0 && generation < 2 ** 32);
  }
  if (misfit) {
    assertEquals(misfit.schema, schema.name);
    assert(misfit.expected !== "" && misfit.got !== "", "which one it is");
    return false;
  }
  assertEquals(
    typeof codec.measure(frame),
    "number",
    "a frame that was read fits",
  );
  assert(finder.sizeOf(frame) <= payload.length, "the frame is not larger");
  return true;
}

function forAll(
  test: (prng: Prng, schema: Schema, codec: LaneCodec) => void,
): void {
  for (let seed = SEED; seed < SEED + SCHEMAS; seed++) {
    const prng = new Prng(seed);
    const schema = randomSchema(prng, 3);
    const codec = compileLane(schema, { minor: prng.below(3) });
    try {
      for (let n = 0; n < PAYLOADS; n++) test(prng, schema, codec);
    } catch (error) {
      const json = JSON.stringify(schemaToJson(schema, "full").fields);
      throw new Error(`with the seed ${seed}, fields ${json}`, {
        cause: error,
      });
    }
  }
}

Deno.test("random bytes are a frame that fits or a misfit, whoever changes them meanwhile", () => {
  let frames = 0;
  forAll((prng, schema, codec) => {
    const length = prng.below(200);
    const payload = prng.below(2)
      ? prng.bytes(length)
      : Uint8Array.from({ length }, () => prng.pick([0, 0, 0, 1, 2]));
    if (readHostile(schema, codec, payload, prng)) frames++;
  });
  assert(frames > 0);
});

/** Changes some bytes of a payload, or its length. */
function spoil(prng: Prng, payload: Uint8Array): Uint8Array {
  const changed = prng.below(4)
    ? Uint8Array.from(payload)
    : Uint8Array.from([...payload, ...prng.bytes(prng.below(9))])
      .subarray(prng.below(4));
  for (let n = prng.below(4); n > 0 && changed.length > 0; n--) {
    const at = prng.below(changed.length);
    changed[at] = prng.pick([0, 1, 2, 3, 0x7f, 0xff, changed[at]! ^ 1]);
  }
  return changed;
}

Deno.test("a payload with some other bytes is a frame that fits or a misfit, whoever changes it meanwhile", () => {
  let frames = 0;
  let misfits = 0;
  forAll((prng, schema, codec) => {
    const namer = {
      name: () => ({
        id: prng.below(9),
        generation: prng.below(9),
        moved: false,
      }),
    };
    const payload = payloadOf(
      codec,
      randomValues(prng, schema.fields, 0),
      namer,
    );
    if (readHostile(schema, codec, spoil(prng, payload), prng)) frames++;
    else misfits++;
  });
  assert(frames > SCHEMAS && misfits > SCHEMAS, `${frames}, ${misfits}`);
});
