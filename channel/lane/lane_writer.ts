/**
 * Sends the frames of one port through a lane.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import type { LaneCodec } from "../../proto/lane/lane_codec.ts";
import { type LaneBytes, laneBytes } from "../../proto/lane/lane_memory.ts";
import { RECORD_HEADER_BYTES } from "../../proto/lane/record.ts";
import { MAX_DICTIONARY_BYTES } from "../../proto/limits.ts";
import type { Frame, Schema } from "../../proto/schema/field_type.ts";
import { Misfit } from "../../proto/wire/misfit.ts";
import {
  frameTooLarge,
  type KeptFrame,
  type PortWriter,
  type SentMemory,
  type UnconfirmedFrame,
} from "../transport.ts";
import { SentNames } from "./lane_memory.ts";
import type { RecordOutlet } from "./outgoing_records.ts";

/** The writer of one port. */
export class LaneWriter<S extends Schema> implements PortWriter<S> {
  readonly #port: number;
  readonly #portName: string;
  readonly #makeCodec: () => LaneCodec<S>;
  #made: LaneCodec<S> | undefined;
  readonly #outlet: RecordOutlet;
  readonly #names = new SentNames();

  /**
   * @param port the index of the port on the lane
   * @param makeCodec called for the first frame
   */
  constructor(
    port: number,
    portName: string,
    makeCodec: () => LaneCodec<S>,
    outlet: RecordOutlet,
  ) {
    this.#port = port;
    this.#portName = portName;
    this.#makeCodec = makeCodec;
    this.#outlet = outlet;
  }

  get #codec(): LaneCodec<S> {
    return this.#made ??= this.#makeCodec();
  }

  check(frame: unknown): Misfit | undefined {
    const bytes = this.#codec.measure(frame);
    return bytes instanceof Misfit ? bytes : undefined;
  }

  send(frame: Frame<S>, memory: SentMemory): UnconfirmedFrame {
    const bytes = this.#measure(frame);
    const outlet = this.#outlet;
    const cost = this.#codec.cost(bytes);
    const at = outlet.reserve(bytes);
    if (at !== undefined) {
      try {
        this.#write(frame, outlet.ring, at, bytes, memory);
        memory.offerPieces();
        return { id: outlet.commit(this.#port, at, bytes), cost };
      } catch (error) {
        outlet.abandon();
        throw error;
      }
    }
    const record = recordOf(bytes);
    this.#write(frame, record, RECORD_HEADER_BYTES, bytes, memory);
    memory.offerPieces();
    return { id: outlet.sendRecord(this.#port, record), cost };
  }

  keep(frame: Frame<S>, memory: SentMemory): KeptFrame {
    const bytes = this.#measure(frame);
    const cost = this.#codec.cost(bytes);
    const record = recordOf(bytes);
    this.#write(frame, record, RECORD_HEADER_BYTES, bytes, memory);
    return {
      send: () => {
        memory.offerPieces();
        return { id: this.#sendKept(record, bytes), cost };
      },
    };
  }

  #sendKept(record: LaneBytes, bytes: number): number {
    const at = this.#outlet.reserve(bytes);
    if (at === undefined) return this.#outlet.sendRecord(this.#port, record);
    this.#outlet.ring.bytes.set(record.bytes.subarray(RECORD_HEADER_BYTES), at);
    return this.#outlet.commit(this.#port, at, bytes);
  }

  end(): void {
    this.#outlet.end(this.#port, this.#portName);
  }

  /** Returns the bytes of a frame's payload. Throws what {@link PortWriter.send} says. */
  #measure(frame: Frame<S>): number {
    const bytes = this.#codec.measure(frame);
    if (bytes instanceof Misfit) {
      throw new BridgeError(
        "schema_mismatch",
        `Cannot send a frame that does not fit its schema: ${bytes.message}`,
      );
    }
    if (bytes <= MAX_DICTIONARY_BYTES - MESSAGE_BYTES) return bytes;
    throw frameTooLarge(bytes);
  }

  #write(
    frame: Frame<S>,
    into: LaneBytes,
    at: number,
    bytes: number,
    memory: SentMemory,
  ): void {
    this.#names.memory = memory;
    this.#codec.write(frame, into, at, bytes, this.#names);
    this.#names.memory = undefined;
  }
}

/** The most bytes of a record's message besides the payload. */
const MESSAGE_BYTES = 256;

/** Returns the memory for a record that is not written into the ring. */
function recordOf(bytes: number): LaneBytes {
  return laneBytes(new Uint8Array(RECORD_HEADER_BYTES + bytes));
}
