/**
 * Sends the frames of one port as XPC dictionaries.
 *
 * @module
 */

import type {
  Frame,
  NumericArray,
  Schema,
} from "../../proto/schema/field_type.ts";
import type { Surface } from "../../proto/schema/surface.ts";
import { compile, type FrameCodec } from "../../proto/wire/frame_codec.ts";
import { CHANNEL_KEY } from "../../proto/wire/keys.ts";
import type { Misfit } from "../../proto/wire/misfit.ts";
import type { CapabilityWriter } from "../../proto/wire/type_codec.ts";
import { uint64, type XpcDictionary } from "../../proto/wire/xpc_value.ts";
import type { PortWriter, SentMemory } from "../transport.ts";

/** Sends the fields of a frame, as a message with an id of its own; returns that id. */
export type SendFields = (portName: string, fields: XpcDictionary) => bigint;

/** The writer of one port. */
export class DictionaryWriter<S extends Schema> implements PortWriter<S> {
  readonly #portName: string;
  readonly #codec: FrameCodec<S>;
  readonly #send: SendFields;

  constructor(portName: string, schema: S, send: SendFields) {
    this.#portName = portName;
    this.#codec = compile(schema);
    this.#send = send;
  }

  check(frame: unknown): Misfit | undefined {
    return this.#codec.check(frame);
  }

  send(frame: Frame<S>, memory: SentMemory): bigint {
    const fields = this.#codec.encode(frame, new MemoryNames(memory));
    memory.offerPieces();
    return this.#send(this.#portName, fields);
  }
}

/** Writes the names of pieces of memory in place of textures and buffers. */
class MemoryNames implements CapabilityWriter {
  readonly #memory: SentMemory;

  constructor(memory: SentMemory) {
    this.#memory = memory;
  }

  texture(surface: Surface): XpcDictionary {
    const { id, generation } = this.#memory.pieceOf(surface);
    return {
      [CHANNEL_KEY.surfaceId]: uint64(id),
      [CHANNEL_KEY.generation]: uint64(generation),
    };
  }

  buffer(samples: NumericArray): XpcDictionary {
    const { id, generation, length } = this.#memory.pieceOf(samples);
    return {
      [CHANNEL_KEY.surfaceId]: uint64(id),
      [CHANNEL_KEY.generation]: uint64(generation),
      [CHANNEL_KEY.length]: uint64(length),
    };
  }
}
