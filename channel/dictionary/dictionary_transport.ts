/**
 * The transport that sends each frame as one XPC message. Releases are control
 * messages.
 *
 * @module
 */

import type { Schema } from "../../proto/schema/field_type.ts";
import { compile, type FrameCodec } from "../../proto/wire/frame_codec.ts";
import {
  type FrameMessage,
  frameMessage,
  parseFrameMessage,
} from "../../proto/wire/frame_message.ts";
import { CHANNEL_KEY, CTRL_TYPE, MSG_TYPE } from "../../proto/wire/keys.ts";
import { Misfit } from "../../proto/wire/misfit.ts";
import {
  getNumber,
  uint64,
  type XpcDictionary,
} from "../../proto/wire/xpc_value.ts";
import type { Message } from "../../ffi/message.ts";
import type { MemoryTable } from "../memory/memory_table.ts";
import type {
  FrameQueue,
  PortWriter,
  Transport,
  TransportEvents,
} from "../transport.ts";
import { DictionaryWriter } from "./dictionary_writer.ts";
import { FrameLeases, namesIn } from "./frame_leases.ts";

/** What this transport needs from its channel. */
export interface DictionaryChannel extends TransportEvents {
  /** Sends a message to the peer. Does nothing if there is none. */
  send(message: XpcDictionary): void;
}

/** An incoming port. */
interface Incoming {
  readonly codec: FrameCodec;
  readonly queue: FrameQueue;
}

/** Carries frames as XPC messages. */
export class DictionaryTransport implements Transport {
  readonly path = "dictionary";
  readonly #channel: DictionaryChannel;
  readonly #table: MemoryTable;
  readonly #incoming = new Map<string, Incoming>();
  readonly #sendFields = (name: string, fields: XpcDictionary): bigint => {
    const id = this.#nextFrame++;
    this.#channel.send(frameMessage(id, name, fields));
    return id;
  };
  #nextFrame = 1n;
  /** Identifies the current peer: a release is sent only to the peer that sent the frame. */
  #peer = {};

  /**
   * @param table the memory that the peer has offered
   * @param queues the incoming ports, by name
   */
  constructor(
    channel: DictionaryChannel,
    table: MemoryTable,
    queues: ReadonlyMap<string, FrameQueue>,
  ) {
    this.#channel = channel;
    this.#table = table;
    for (const [name, queue] of queues) {
      this.#incoming.set(name, { codec: compile(queue.schema), queue });
    }
  }

  writer<S extends Schema>(portName: string, schema: S): PortWriter<S> {
    return new DictionaryWriter(portName, schema, this.#sendFields);
  }

  // ---- receiving ----

  /** Handles a message of type `frame`. The caller disposes it. */
  receiveFrame(message: Message): void {
    const frame = parseFrameMessage(message.body);
    if (typeof frame === "string") {
      this.#channel.problem("frame", `received a malformed frame: ${frame}`);
      return;
    }
    const { port_name } = frame;
    const incoming = this.#incoming.get(port_name);
    if (!incoming) {
      this.#giveBack(frame);
      this.#channel.problem(
        "port",
        `received a frame for port '${port_name}', which is not one of ${
          [...this.#incoming.keys()].join(", ") || "(none)"
        }`,
      );
      return;
    }
    const { codec, queue } = incoming;
    const leases = new FrameLeases(this.#table, message);
    const fields = frame.handle === undefined
      ? frame.fields
      : codec.withHandle(frame.fields, frame.handle);
    const value = codec.decode(fields, leases);
    if (value instanceof Misfit) {
      leases.release();
      this.#giveBack(frame);
      this.#channel.problem(
        `misfit:${port_name}`,
        `a frame on port '${port_name}' does not fit: ${value.message}`,
      );
      return;
    }
    // A frame without memory is released by its own id, so that its sender knows that there is room.
    const release = leases.size > 0 || !queue.inOrder
      ? () => this.#endLeases(leases, port_name)
      : this.#frameRelease(frame.frame_id);
    Object.defineProperty(value, Symbol.dispose, { value: release });
    queue.put(value as typeof value & Disposable);
  }

  /** Handles a control message of type `release`. */
  receiveRelease(body: XpcDictionary): void {
    const id = getNumber(body, CHANNEL_KEY.surfaceId, "uint64");
    const generation = getNumber(body, CHANNEL_KEY.generation, "uint64");
    const frame = getNumber(body, CHANNEL_KEY.frameId, "uint64");
    if (id === undefined) {
      if (frame !== undefined) this.#channel.frameReleased(frame);
    } else if (generation !== undefined) {
      const givenAway = body[CHANNEL_KEY.givenAway] === true;
      this.#channel.memoryReleased(id, generation, givenAway);
    }
  }

  // ---- releasing ----

  /**
   * Releases a frame that nobody will read, and all memory that it names.
   * Releases that the sender does not expect have no effect there.
   */
  #giveBack({ frame_id, fields }: FrameMessage): void {
    this.#frameRelease(frame_id)();
    for (const { id, generation } of namesIn(fields)) {
      this.releaseMemory(id, generation, false);
    }
  }

  #endLeases(leases: FrameLeases, portName: string): void {
    if (leases.givenAway) this.#channel.givenAway(portName);
    leases.release();
  }

  /** Returns a function that releases a frame, once, and only if its sender is still the peer. */
  #frameRelease(id: bigint): () => void {
    const sender = this.#peer;
    let held = true;
    return () => {
      if (!held || this.#peer !== sender) return;
      held = false;
      this.#release({ [CHANNEL_KEY.frameId]: uint64(id) });
    };
  }

  releaseMemory(id: bigint, generation: bigint, givenAway: boolean): void {
    this.#release({
      [CHANNEL_KEY.surfaceId]: uint64(id),
      [CHANNEL_KEY.generation]: uint64(generation),
      ...givenAway && { [CHANNEL_KEY.givenAway]: true },
    });
  }

  #release(fields: XpcDictionary): void {
    this.#channel.send({
      [CHANNEL_KEY.msgType]: MSG_TYPE.control,
      [CHANNEL_KEY.ctrlType]: CTRL_TYPE.release,
      ...fields,
    });
  }

  detach(): void {
    this.#peer = {};
  }
}
