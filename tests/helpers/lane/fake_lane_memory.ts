import {
  type LaneBytes,
  laneBytes,
  type MemoryFinder,
  type MemoryName,
  type MemoryNamer,
} from "../../../proto/lane/lane_memory.ts";
import type { LaneCodec } from "../../../proto/lane/lane_codec.ts";
import type { NumericArray } from "../../../proto/schema/field_type.ts";
import { isNumericArray } from "../../../proto/schema/numeric_array.ts";
import type { Surface } from "../../../proto/schema/surface.ts";
import { Misfit } from "../../../proto/wire/misfit.ts";

/** Shared memory within one process: the namer stores an item under a number, and the finder finds it by that number. */
export class FakeLaneMemory {
  /** The named items, in order. */
  readonly sent: (Surface | NumericArray)[] = [];
  /** The names that the finder was asked for, in order. */
  readonly asked: MemoryName[] = [];

  readonly namer: MemoryNamer = {
    name: (value) => ({
      id: this.sent.push(value),
      generation: 7,
      moved: false,
    }),
  };

  readonly finder: MemoryFinder = {
    texture: (name) => {
      const found = this.#find(name);
      return found === undefined || ArrayBuffer.isView(found)
        ? "no surface of this connection"
        : found;
    },
    buffer: (name, element_type, length) => {
      const found = this.#find(name);
      return isNumericArray(element_type, found) && found.length === length
        ? found
        : "no buffer of this connection";
    },
  };

  #find(name: MemoryName): Surface | NumericArray | undefined {
    this.asked.push(name);
    return this.sent[name.id - 1];
  }
}

/** What was in the memory before. */
const STALE = 0xa5;
/** Where payloads begin here. */
const AT = 64;

/** Returns the payload of a frame. Fails if it does not fit, or if anything outside the payload was written. */
export function payloadOf(
  codec: LaneCodec,
  frame: unknown,
  namer: MemoryNamer = new FakeLaneMemory().namer,
): Uint8Array<ArrayBuffer> {
  const bytes = codec.measure(frame);
  if (bytes instanceof Misfit) throw new Error(bytes.message);
  const memory = laneBytes(new Uint8Array(AT + bytes + AT).fill(STALE));
  codec.write(frame as never, memory, AT, bytes, namer);
  const before = memory.bytes.subarray(0, AT);
  const behind = memory.bytes.subarray(AT + bytes);
  if (![...before, ...behind].every((byte) => byte === STALE)) {
    throw new Error("the codec has written outside its payload");
  }
  return memory.bytes.slice(AT, AT + bytes);
}

/** Reads a payload, which has other bytes before and behind it. */
export function readPayload(
  codec: LaneCodec,
  payload: Uint8Array,
  finder: MemoryFinder = new FakeLaneMemory().finder,
): unknown | Misfit {
  const frame = {};
  return codec.read(placed(payload), AT, payload.length, finder, frame) ??
    frame;
}

function placed(payload: Uint8Array): LaneBytes {
  const bytes = new Uint8Array(AT + payload.length + AT).fill(STALE);
  bytes.set(payload, AT);
  return laneBytes(bytes);
}
