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
import { describeError } from "../../proto/errors.ts";
import {
  MAX_UNCONFIRMED_BYTES,
  MAX_UNCONFIRMED_FRAMES,
} from "../../proto/limits.ts";
import { Misfit } from "../../proto/wire/misfit.ts";
import type { XpcDictionary } from "../../proto/wire/xpc_value.ts";
import type { Message } from "../../ffi/message.ts";
import type { MemoryTable } from "../memory/memory_table.ts";
import type {
  FrameQueue,
  PortWriter,
  Transport,
  TransportEvents,
} from "../transport.ts";
import {
  DictionaryWriter,
  type FrameOutlet,
  type PackedFrame,
} from "./dictionary_writer.ts";
import { findNames, FrameLeases } from "./frame_leases.ts";
import { parseRelease, Releases } from "./releases.ts";

/** What this transport needs from its channel. */
export interface DictionaryChannel extends TransportEvents {
  /** Sends a message to the peer, and returns its cost. Does nothing if there is no peer. */
  send(message: XpcDictionary): number;
  /** Returns the bytes of a message, valid until the next one is packed, and its cost. Throws `bad_argument` if it is too large. */
  pack(message: XpcDictionary): Omit<PackedFrame, "id">;
  /** Sends a packed message, as {@link send} does. */
  sendPacked(packed: Uint8Array<ArrayBuffer>): void;
}

/** An incoming port. */
interface Incoming {
  readonly codec: FrameCodec;
  readonly queue: FrameQueue;
  /** The frames that were put and not confirmed yet. */
  unconfirmed: bigint[];
  /** What they cost, in bytes. */
  cost: number;
}

/** Carries frames as XPC messages. */
export class DictionaryTransport implements Transport {
  readonly path = "dictionary";
  readonly #channel: DictionaryChannel;
  readonly #table: MemoryTable;
  readonly #incoming = new Map<string, Incoming>();
  readonly #releases: Releases;
  readonly #outlet: FrameOutlet = {
    send: (name, fields) => {
      const id = this.#nextFrame++;
      const cost = this.#channel.send(frameMessage(id, name, fields));
      return { id, cost };
    },
    pack: (name, fields) => {
      const id = this.#nextFrame++;
      return { id, ...this.#channel.pack(frameMessage(id, name, fields)) };
    },
    sendPacked: (packed) => this.#channel.sendPacked(packed),
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
      const codec = compile(queue.schema);
      this.#incoming.set(name, { codec, queue, unconfirmed: [], cost: 0 });
    }
    this.#releases = new Releases({
      send: (message) => channel.send(message),
      dropped: () => this.#dropped(),
      failed: (error) => channel.problem("release", describeError(error)),
    });
  }

  writer<S extends Schema>(portName: string, schema: S): PortWriter<S> {
    return new DictionaryWriter(portName, schema, this.#outlet);
  }

  #dropped(): number {
    let dropped = 0;
    for (const { queue } of this.#incoming.values()) dropped += queue.dropped;
    return dropped;
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
    // A frame without memory is confirmed by its own id, so that its sender
    // knows that there is room: in order, when it was disposed; else from now on,
    // since the queue itself replaces it by a newer one.
    const bare = leases.size === 0;
    const release = bare && queue.inOrder
      ? this.#frameRelease(frame.frame_id)
      : () => this.#endLeases(leases, port_name);
    Object.defineProperty(value, Symbol.dispose, { value: release });
    queue.put(value as typeof value & Disposable, message.cost);
    if (bare && !queue.inOrder) {
      this.#confirm(incoming, frame.frame_id, message.cost);
    }
  }

  /** Confirms a frame, with others of its port: before their sender has to wait, but not each alone. */
  #confirm(incoming: Incoming, id: bigint, cost: number): void {
    incoming.unconfirmed.push(id);
    incoming.cost += cost;
    const allowed = Math.min(incoming.queue.capacity, MAX_UNCONFIRMED_FRAMES);
    if (
      incoming.unconfirmed.length < Math.floor(allowed / 2) &&
      incoming.cost < MAX_UNCONFIRMED_BYTES / 2
    ) return;
    for (const id of incoming.unconfirmed) this.#releases.frame(id);
    incoming.unconfirmed = [];
    incoming.cost = 0;
  }

  /** Handles a control message of type `release`. */
  receiveRelease(body: XpcDictionary): void {
    const release = parseRelease(body);
    if (typeof release === "string") {
      this.#channel.problem(
        "release",
        `received a malformed release: ${release}`,
      );
      return;
    }
    for (const id of release.frames) this.#channel.frameReleased(id);
    for (const { id, generation, givenAway } of release.pieces) {
      this.#channel.memoryReleased(id, generation, givenAway);
    }
    if (release.dropped !== undefined) {
      this.#channel.peerDropped(release.dropped);
    }
  }

  // ---- releasing ----

  /**
   * Releases a frame that nobody will read: the offered memory that it names, or
   * the frame itself if it names none. However many names it has, this is one
   * message: a peer has at most `MAX_OFFERED` pieces.
   */
  #giveBack({ frame_id, fields }: FrameMessage): void {
    let bare = true;
    findNames(fields, (name) => {
      if (!this.#table.has(name.id)) return;
      bare = false;
      this.#releases.piece(name);
    });
    if (bare) this.#releases.frame(frame_id);
    else this.#releases.flush();
  }

  #endLeases(leases: FrameLeases, portName: string): void {
    if (leases.givenAway) this.#channel.givenAway(portName);
    leases.release();
    this.#releases.flush();
  }

  /** Returns a function that releases a frame, once, and only if its sender is still the peer. */
  #frameRelease(id: bigint): () => void {
    const sender = this.#peer;
    let held = true;
    return () => {
      if (!held || this.#peer !== sender) return;
      held = false;
      this.#releases.frame(id);
    };
  }

  /** The release is sent when all leases of the frame have ended. */
  releaseMemory(id: bigint, generation: bigint, givenAway: boolean): void {
    this.#releases.piece({ id, generation }, givenAway);
  }

  detach(): void {
    this.#peer = {};
    this.#releases.forget();
    for (const incoming of this.#incoming.values()) {
      incoming.unconfirmed = [];
      incoming.cost = 0;
    }
  }
}
