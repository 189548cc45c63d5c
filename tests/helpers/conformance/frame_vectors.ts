/** Vectors of frames, in both forms: as the `fields` of a message in packed form, and as the payload of a lane's record. */

import { compileLane, type LaneCodec } from "../../../proto/lane/lane_codec.ts";
import type {
  Field,
  Fields,
  Schema,
} from "../../../proto/schema/field_type.ts";
import type { FieldType } from "../../../proto/schema/field_type.ts";
import { schemaToJson } from "../../../proto/schema/json/schema_json.ts";
import type { PixelFormat } from "../../../proto/schema/surface.ts";
import type { FrameTerms } from "../../../proto/wire/compiler.ts";
import { compile, type FrameCodec } from "../../../proto/wire/frame_codec.ts";
import { Misfit } from "../../../proto/wire/misfit.ts";
import { Packer } from "../../../proto/wire/packed.ts";
import type { XpcDictionary } from "../../../proto/wire/xpc_value.ts";
import { type JsonObject, jsonOfValues, toHex } from "../frame_json.ts";
import { payloadOf, readPayload } from "../lane/fake_lane_memory.ts";
import { RuledMemory } from "./ruled_memory.ts";

/** What reading a form gives: the frame, or the misfit; and the memory that was asked for. */
export interface Outcome {
  readonly bytes: string;
  readonly frame?: JsonObject;
  readonly message?: string;
  readonly asked?: readonly (readonly [number, number, boolean])[];
}

/** A frame in both forms. */
export interface FrameVector {
  readonly frame: JsonObject;
  readonly packed: string;
  readonly lane: string;
  /** What the frame costs in a lane. */
  readonly cost: number;
}

/** The codecs of a schema, and what they do as data. */
export class Vectors {
  readonly #schema: Schema;
  readonly #terms: FrameTerms;
  readonly #dictionary: FrameCodec;
  readonly #lane: LaneCodec;

  constructor(schema: Schema, terms: FrameTerms = {}) {
    this.#schema = schema;
    this.#terms = terms;
    this.#dictionary = compile(schema, terms);
    this.#lane = compileLane(schema, terms);
  }

  /** The schemas, that of the frames first, and the terms. */
  get head(): {
    schemas: readonly object[];
    minor?: number;
    formats?: readonly PixelFormat[];
  } {
    return {
      schemas: [this.#schema, ...referred(this.#schema.fields)].map((one) =>
        schemaToJson(one, "full")
      ),
      ...this.#terms,
    };
  }

  /** A frame that fits. */
  frame(values: Record<string, unknown>): FrameVector {
    const memory = new RuledMemory();
    const frame = jsonOfValues(this.#schema.fields, values, memory);
    const payload = payloadOf(this.#lane, values, memory);
    const fields = this.#dictionary.encode(values as never, memory.writer);
    return {
      frame,
      packed: packedHex(fields),
      lane: toHex(payload),
      cost: this.#lane.cost(payload.length),
    };
  }

  /** The fields of a frame's message. */
  fields(values: Record<string, unknown>): XpcDictionary {
    return this.#dictionary.encode(values as never, new RuledMemory().writer);
  }

  /** The values of a frame as they arrive: without what a later minor version has added. */
  received(values: Record<string, unknown>): Record<string, unknown> {
    const memory = new RuledMemory();
    const payload = payloadOf(this.#lane, values, memory);
    const found = readPayload(this.#lane, payload, memory);
    if (found instanceof Misfit) throw new Error(found.message);
    return found as Record<string, unknown>;
  }

  /** The payload of a frame. */
  payload(values: Record<string, unknown>): Uint8Array {
    return payloadOf(this.#lane, values, new RuledMemory());
  }

  /** Why values cannot be sent. */
  unsent(values: unknown): string {
    const misfit = this.#dictionary.check(values);
    if (!misfit) throw new Error("the values fit");
    return misfit.message;
  }

  /** What reading a message gives. */
  readMessage(fields: XpcDictionary): Outcome {
    const memory = new RuledMemory();
    const found = this.#dictionary.decode(fields, memory.reader);
    return this.#outcome(packedHex(fields), memory, found);
  }

  /** What reading a payload gives. */
  readLane(payload: Uint8Array): Outcome {
    const memory = new RuledMemory();
    const found = readPayload(this.#lane, payload, memory);
    return this.#outcome(toHex(payload), memory, found);
  }

  #outcome(bytes: string, memory: RuledMemory, found: unknown): Outcome {
    const asked = memory.asked.map(({ id, generation, moved }) =>
      [id, generation, moved] as const
    );
    const frame = found as Record<string, unknown>;
    return {
      bytes,
      ...(found instanceof Misfit
        ? { message: found.message }
        : { frame: jsonOfValues(this.#schema.fields, frame, memory) }),
      ...(asked.length > 0 && { asked }),
    };
  }
}

/** Returns a message in packed form. */
export function packedHex(message: XpcDictionary): string {
  return toHex(new Packer().pack(message));
}

/** The schemas that fields refer to, directly or through others. */
function referred(fields: Fields): Schema[] {
  const found = new Map<string, Schema>();
  const visit = (type: FieldType): void => {
    if (type.kind === "Array") visit(type.element);
    else if (type.kind === "Optional") visit(type.inner);
    else if (type.kind === "Struct") visitAll(type.fields);
    else if (type.kind === "SchemaRef") {
      found.set(type.schema.name, type.schema);
      visitAll(type.schema.fields);
    }
  };
  const visitAll = (fields: Fields): void => {
    for (const { type } of Object.values<Field>(fields)) visit(type);
  };
  visitAll(fields);
  return [...found.values()];
}
