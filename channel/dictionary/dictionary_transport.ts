/**
 * The transport that sends each frame as one XPC message. Releases and ends of
 * ports are control messages.
 *
 * @module
 */

import type { Schema } from "../../proto/schema/field_type.ts";
import type { PortTerms } from "../../proto/schema/port_agreement.ts";
import { frameTerms } from "../../proto/wire/compiler.ts";
import { compile, type FrameCodec } from "../../proto/wire/frame_codec.ts";
import {
  type FrameMessage,
  frameMessage,
  parseFrameMessage,
} from "../../proto/wire/frame_message.ts";
import { CHANNEL_KEY } from "../../proto/wire/keys.ts";
import { endMessage } from "../../proto/wire/end_message.ts";
import { Misfit } from "../../proto/wire/misfit.ts";
import {
  getId,
  getString,
  idOf,
  type XpcDictionary,
} from "../../proto/wire/xpc_value.ts";
import type { Message } from "../../ffi/message.ts";
import { Lease } from "../memory/lease.ts";
import type { MemoryTable } from "../memory/memory_table.ts";
import type { OfferedMemory } from "../memory/offered_memory.ts";
import type { IncomingPort } from "../ports/incoming_port.ts";
import type { Releases } from "../releases.ts";
import type {
  PortWriter,
  ReleaseBatch,
  Transport,
  TransportEvents,
} from "../transport.ts";
import {
  DictionaryWriter,
  type FrameOutlet,
  type PackedFrame,
} from "./dictionary_writer.ts";
import { findNames, FrameLeases } from "./frame_leases.ts";
import {
  droppedField,
  parseRelease,
  releaseMessage,
} from "./release_message.ts";

/** What this transport needs from its channel. */
export interface DictionaryChannel extends TransportEvents {
  /** Returns the id of the next frame. */
  takeFrameId(): number;
  /** The releases that this side owes. */
  readonly releases: Releases;
  /** Sends a message to the peer, and returns its cost. Does nothing if there is no peer. */
  send(message: XpcDictionary): number;
  /** Returns the bytes of a message, valid until the next one is packed, and its cost. Throws `bad_argument` if it is too large. */
  pack(message: XpcDictionary): Omit<PackedFrame, "id">;
  /** Sends a packed message, as {@link send} does. */
  sendPacked(packed: Uint8Array<ArrayBuffer>): void;
}

/** Carries frames as XPC messages. */
export class DictionaryTransport implements Transport {
  readonly path = "dictionary";
  readonly #channel: DictionaryChannel;
  readonly #table: MemoryTable;
  readonly #offered: OfferedMemory;
  readonly #ports: ReadonlyMap<string, IncomingPort>;
  /** What decodes the frames of each incoming port, as both sides use it. */
  readonly #codecs = new Map<IncomingPort, FrameCodec>();
  readonly #outlet: FrameOutlet = {
    send: (name, fields) => {
      const id = this.#channel.takeFrameId();
      const cost = this.#channel.send(frameMessage(BigInt(id), name, fields));
      return { id, cost };
    },
    pack: (name, fields) => {
      const id = this.#channel.takeFrameId();
      const message = frameMessage(BigInt(id), name, fields);
      return { id, ...this.#channel.pack(message) };
    },
    sendPacked: (packed) => this.#channel.sendPacked(packed),
    end: (name) => {
      const dropped = droppedField(this.#channel.releases.takeDropped());
      this.#channel.send(endMessage(name, dropped));
    },
  };

  /**
   * @param table the memory that the peer has offered
   * @param offered the memory that the peer was offered
   * @param ports the incoming ports, by name
   */
  constructor(
    channel: DictionaryChannel,
    table: MemoryTable,
    offered: OfferedMemory,
    ports: ReadonlyMap<string, IncomingPort>,
  ) {
    this.#channel = channel;
    this.#table = table;
    this.#offered = offered;
    this.#ports = ports;
  }

  writer<S extends Schema>(
    portName: string,
    schema: S,
    terms: PortTerms | undefined,
  ): PortWriter<S> {
    const codec = compile(schema, terms && frameTerms(terms));
    return new DictionaryWriter(portName, codec, this.#outlet);
  }

  sendReleases(batch: ReleaseBatch): void {
    this.#channel.send(releaseMessage(batch));
  }

  /** The terms of the incoming ports have changed. */
  agreed(): void {
    this.#codecs.clear();
  }

  #codec(port: IncomingPort): FrameCodec {
    const { queue: { schema }, terms } = port;
    const codec = this.#codecs.get(port) ??
      compile(schema, terms && frameTerms(terms));
    this.#codecs.set(port, codec);
    return codec;
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
    const port = this.#ports.get(port_name);
    if (!port) {
      this.#giveBack(frame);
      return this.#unknownPort("a frame", port_name);
    }
    if (port.queue.hasEnd) {
      this.#giveBack(frame);
      this.#channel.problem(
        `after end:${port_name}`,
        `received a frame for port '${port_name}' after the end of that port`,
      );
      return;
    }
    const codec = this.#codec(port);
    const lease = new Lease(port);
    const memory = new FrameLeases(this.#table, this.#offered, message, lease);
    const fields = frame.handle === undefined
      ? frame.fields
      : codec.withHandle(frame.fields, frame.handle);
    const values = codec.decode(fields, memory);
    if (values instanceof Misfit) {
      port.discard(lease);
      this.#giveBack(frame); // all that the frame names, at once
      this.#channel.problem(
        `misfit:${port_name}`,
        `a frame on port '${port_name}' does not fit: ${values.message}`,
      );
      return;
    }
    const id = idOf(frame.frame_id);
    const { cost } = message;
    const { hasPeersMemory } = memory;
    const received = port.queue.frame(lease, values);
    port.put(id, received, lease, cost, hasPeersMemory);
  }

  #unknownPort(what: string, name: string): void {
    this.#channel.problem(
      "port",
      `received ${what} for port '${name}', which is not one of ${
        [...this.#ports.keys()].join(", ") || "(none)"
      }`,
    );
  }

  /** Handles a control message of type `end`. */
  receiveEnd(body: XpcDictionary): void {
    const dropped = getId(body, CHANNEL_KEY.dropped);
    if (dropped !== undefined) this.#channel.peerDropped(dropped);
    const name = getString(body, CHANNEL_KEY.portName);
    if (name === undefined) {
      this.#channel.problem("end", "received an end without its port");
      return;
    }
    const port = this.#ports.get(name);
    if (!port) return this.#unknownPort("an end", name);
    if (port.queue.hasEnd) {
      this.#channel.problem(
        `after end:${name}`,
        `received a second end of port '${name}'`,
      );
      return;
    }
    port.end();
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

  /**
   * Releases a frame that nobody will read: the offered memory that it names, or
   * the frame itself if it names none. However many names it has, this is one
   * message: a peer has at most `MAX_OFFERED` pieces.
   */
  #giveBack({ frame_id, fields }: FrameMessage): void {
    const { releases } = this.#channel;
    let bare = true;
    findNames(fields, (name) => {
      if (name.moved || !this.#table.has(name.id)) return;
      bare = false;
      releases.piece(name);
    });
    if (bare) releases.frame(idOf(frame_id));
    else releases.flush();
  }
}
