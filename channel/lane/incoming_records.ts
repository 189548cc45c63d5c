/**
 * The records that one side of a lane receives, and what becomes of them: frames
 * and ends go to their ports, releases to the channel.
 *
 * @module
 */

import { compileLane, type LaneCodec } from "../../proto/lane/lane_codec.ts";
import { type LaneBytes, laneBytes } from "../../proto/lane/lane_memory.ts";
import {
  readEnd,
  readRelease,
  RECORD_HEADER_BYTES,
  RECORD_KIND,
  RecordHeader,
  type ReleaseTaker,
} from "../../proto/lane/record.ts";
import { amount } from "../../proto/schema/schema_place.ts";
import { frameTerms } from "../../proto/wire/compiler.ts";
import { Lease } from "../memory/lease.ts";
import type { MemoryTable } from "../memory/memory_table.ts";
import type { OfferedMemory } from "../memory/offered_memory.ts";
import type { IncomingPort } from "../ports/incoming_port.ts";
import type { Releases } from "../releases.ts";
import type { TransportEvents } from "../transport.ts";
import { FoundMemory } from "./lane_memory.ts";

/** What the receiving side needs from its channel. */
export interface ReceivingChannel extends TransportEvents {
  /** The releases that this side owes. */
  readonly releases: Releases;
  /** The memory that the peer has offered. */
  readonly table: MemoryTable;
  /** The memory that this side has offered to the peer. */
  readonly offered: OfferedMemory;
}

/** An incoming port on the lane. */
class LanePort {
  readonly port: IncomingPort;
  #codec: LaneCodec | undefined;

  constructor(port: IncomingPort) {
    this.port = port;
  }

  /** Reads its frames. Made when the first one comes: to make it takes longer than to read a frame. */
  get codec(): LaneCodec {
    return this.#codec ??= this.#compile();
  }

  #compile(): LaneCodec {
    const { queue: { schema }, terms } = this.port;
    return compileLane(schema, terms && frameTerms(terms));
  }
}

/** Handles records, one after the other. */
export class IncomingRecords {
  /** The header of the record that is handled. Let it read the record before {@link handle} is called. */
  readonly header = new RecordHeader();
  readonly #channel: ReceivingChannel;
  /** The ports, by index. */
  #ports: readonly LanePort[] = [];
  /** The memory of the frame that is read. */
  readonly #found: FoundMemory;
  readonly #taker: ReleaseTaker;

  /** Called by the transport of a lane. */
  constructor(channel: ReceivingChannel) {
    this.#channel = channel;
    this.#found = new FoundMemory(channel.table, channel.offered);
    this.#taker = {
      dropped: (count) => channel.peerDropped(count),
      piece: (id, generation) => channel.memoryReleased(id, generation, false),
      frame: (id) => channel.frameReleased(id),
    };
  }

  /** Sets the ports, by index, as both sides use them. */
  agree(ports: readonly IncomingPort[]): void {
    this.#ports = ports.map((port) => new LanePort(port));
  }

  /** Handles the record of a frame that was not written into the ring, but sent as a message. */
  receive(data: Uint8Array): void {
    const record = laneBytes(data as Uint8Array<ArrayBuffer>);
    const wrong = this.header.readMessage(record);
    if (wrong === undefined) this.handle(record, RECORD_HEADER_BYTES);
    else this.#channel.problem("frame", `received ${wrong}`);
  }

  /** Handles the record of {@link header}, whose payload begins at `at`. */
  handle(from: LaneBytes, at: number): void {
    const { kind, bytes } = this.header;
    if (kind === RECORD_KIND.frame) this.#frame(from, at);
    else if (kind === RECORD_KIND.release) {
      const wrong = readRelease(from, at, bytes, this.#taker);
      if (wrong !== undefined) {
        this.#channel.problem("release", `received ${wrong}`);
      }
    } else if (kind === RECORD_KIND.end) this.#end(from, at);
  }

  #frame(from: LaneBytes, at: number): void {
    const { port: index, frame: id, bytes } = this.header;
    const incoming = this.#ports[index];
    if (!incoming) {
      this.#channel.releases.frame(id);
      return this.#unknownPort("a frame", index);
    }
    const { port, codec } = incoming;
    const lease = new Lease(port);
    const memory = this.#found;
    memory.begin(lease);
    const frame = port.queue.frame(lease);
    const misfit = codec.read(from, at, bytes, memory, frame);
    if (misfit) {
      this.#refuse(
        port,
        id,
        lease,
        "misfit",
        `a frame on port '${port.name}' does not fit: ${misfit.message}`,
      );
    } else if (port.queue.hasEnd) {
      this.#refuse(
        port,
        id,
        lease,
        "after end",
        `received a frame for port '${port.name}' after the end of that port`,
      );
    } else {
      const cost = codec.cost(bytes);
      port.put(id, frame, lease, cost, memory.hasPeersMemory);
    }
  }

  #refuse(
    port: IncomingPort,
    id: number,
    lease: Lease,
    kind: string,
    text: string,
  ): void {
    const { releases } = this.#channel;
    port.discard(lease); // releases the memory that the frame names
    if (this.#found.hasPeersMemory) releases.flush();
    else releases.frame(id);
    this.#channel.problem(`${kind}:${port.name}`, text);
  }

  #end(from: LaneBytes, at: number): void {
    const { port: index, bytes } = this.header;
    const dropped = readEnd(from, at, bytes);
    if (typeof dropped === "string") {
      this.#channel.problem("end", `received ${dropped}`);
      return;
    }
    this.#channel.peerDropped(dropped);
    const port = this.#ports[index]?.port;
    if (!port) return this.#unknownPort("an end", index);
    if (!port.queue.hasEnd) return port.end();
    this.#channel.problem(
      `after end:${port.name}`,
      `received a second end of port '${port.name}'`,
    );
  }

  #unknownPort(what: string, index: number): void {
    this.#channel.problem(
      "port",
      `received ${what} for port ${index}, but this side has ${
        amount(this.#ports.length, "incoming port")
      }, numbered from 0`,
    );
  }
}
