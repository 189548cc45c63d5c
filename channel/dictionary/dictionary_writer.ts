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
import type { FrameCodec } from "../../proto/wire/frame_codec.ts";
import { CHANNEL_KEY } from "../../proto/wire/keys.ts";
import type { Misfit } from "../../proto/wire/misfit.ts";
import type { CapabilityWriter } from "../../proto/wire/type_codec.ts";
import { uint64, type XpcDictionary } from "../../proto/wire/xpc_value.ts";
import type {
  KeptFrame,
  PieceName,
  PortWriter,
  SentMemory,
  UnconfirmedFrame,
} from "../transport.ts";

/** Sends the fields of frames, each as a message with an id of its own. */
export interface FrameOutlet {
  /** Sends a frame now. */
  send(portName: string, fields: XpcDictionary): UnconfirmedFrame;
  /** Packs a frame, to be sent later. Throws `bad_argument` if it is too large. */
  pack(portName: string, fields: XpcDictionary): PackedFrame;
  /** Sends a packed frame. */
  sendPacked(packed: Uint8Array<ArrayBuffer>): void;
  /** Sends the end of a port. */
  end(portName: string): void;
}

/** A frame in packed form. */
export interface PackedFrame extends UnconfirmedFrame {
  /** Its bytes, valid until the next message is packed. */
  readonly packed: Uint8Array<ArrayBuffer>;
}

/** The writer of one port. */
export class DictionaryWriter<S extends Schema> implements PortWriter<S> {
  readonly #portName: string;
  readonly #codec: FrameCodec<S>;
  readonly #outlet: FrameOutlet;
  /** The bytes of the frame that was kept last. The next one uses them again. */
  #kept = new Uint8Array(0);

  constructor(portName: string, codec: FrameCodec<S>, outlet: FrameOutlet) {
    this.#portName = portName;
    this.#codec = codec;
    this.#outlet = outlet;
  }

  check(frame: unknown): Misfit | undefined {
    return this.#codec.check(frame);
  }

  send(frame: Frame<S>, memory: SentMemory): UnconfirmedFrame {
    const fields = this.#codec.encode(frame, new MemoryNames(memory));
    memory.offerPieces();
    return this.#outlet.send(this.#portName, fields);
  }

  keep(frame: Frame<S>, memory: SentMemory): KeptFrame {
    const fields = this.#codec.encode(frame, new MemoryNames(memory));
    const { id, cost, packed } = this.#outlet.pack(this.#portName, fields);
    if (packed.length > this.#kept.length) {
      this.#kept = new Uint8Array(packed.length);
    }
    this.#kept.set(packed);
    const bytes = this.#kept.subarray(0, packed.length);
    return {
      send: () => {
        memory.offerPieces();
        this.#outlet.sendPacked(bytes);
        return { id, cost };
      },
    };
  }

  end(): void {
    this.#outlet.end(this.#portName);
  }
}

/** Writes the names of pieces of memory in place of textures and buffers. */
class MemoryNames implements CapabilityWriter {
  readonly #memory: SentMemory;

  constructor(memory: SentMemory) {
    this.#memory = memory;
  }

  texture(surface: Surface): XpcDictionary {
    return nameOf(this.#memory.pieceOf(surface));
  }

  buffer(samples: NumericArray): XpcDictionary {
    return {
      ...nameOf(this.#memory.pieceOf(samples)),
      [CHANNEL_KEY.length]: uint64(samples.length),
    };
  }
}

function nameOf({ id, generation, moved }: PieceName): XpcDictionary {
  return {
    [CHANNEL_KEY.surfaceId]: uint64(id),
    [CHANNEL_KEY.generation]: uint64(generation),
    ...(moved && { [CHANNEL_KEY.moved]: true }),
  };
}
