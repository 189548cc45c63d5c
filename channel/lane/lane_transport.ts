/**
 * The transport that carries frames, ends and releases as records in shared
 * memory. Offers of memory and control messages stay XPC messages: they are
 * numbered, and each record says which of them comes before it.
 *
 * Every value that the peer has written is read once, checked, and only then used.
 *
 * @module
 */

import { BridgeError, type ErrorCode } from "../../proto/errors.ts";
import { compileLane, type LaneCodec } from "../../proto/lane/lane_codec.ts";
import { type LaneBytes, laneBytes } from "../../proto/lane/lane_memory.ts";
import {
  END_PAYLOAD_BYTES,
  readEnd,
  readRelease,
  RECORD_HEADER_BYTES,
  RECORD_KIND,
  RecordHeader,
  releaseBytes,
  type ReleaseTaker,
  slotsOf,
  writeEnd,
  writeFrameHeader,
  writeRelease,
} from "../../proto/lane/record.ts";
import { NUMBERED_TIMEOUT_MS } from "../../proto/limits.ts";
import type { Schema } from "../../proto/schema/field_type.ts";
import type { PortTerms } from "../../proto/schema/port_agreement.ts";
import { endMessage } from "../../proto/wire/end_message.ts";
import { frameTerms } from "../../proto/wire/compiler.ts";
import { CHANNEL_KEY, MSG_TYPE } from "../../proto/wire/keys.ts";
import {
  type Capability,
  getId,
  uint64,
  type XpcDictionary,
} from "../../proto/wire/xpc_value.ts";
import type { Timer, TimerClock } from "../../ffi/clock.ts";
import type { NativeLane } from "../../ffi/lane.ts";
import { droppedField, releaseMessage } from "../dictionary/release_message.ts";
import { Lease } from "../memory/lease.ts";
import type { MemoryTable } from "../memory/memory_table.ts";
import type { OfferedMemory } from "../memory/offered_memory.ts";
import type { TermsByPort } from "../ports/channel_ports.ts";
import type { IncomingPort } from "../ports/incoming_port.ts";
import type { Releases } from "../releases.ts";
import type {
  PortWriter,
  ReleaseBatch,
  Transport,
  TransportEvents,
} from "../transport.ts";
import { fitsRecord, FoundMemory } from "./lane_memory.ts";
import { LaneWriter, type RecordOutlet } from "./lane_writer.ts";
import { type LaneViews, RingReader, RingWriter } from "./rings.ts";
import { LaneWaiting } from "./waiting.ts";

/** What this transport needs from its channel. */
export interface LaneChannel extends TransportEvents {
  readonly clock: TimerClock;
  /** Returns the id of the next frame. */
  takeFrameId(): number;
  /** The releases that this side owes. */
  readonly releases: Releases;
  /** The memory that the peer has offered. */
  readonly table: MemoryTable;
  /** The memory that the peer was offered. */
  readonly offered: OfferedMemory;
  /** The incoming ports, by name. */
  readonly ports: ReadonlyMap<string, IncomingPort>;
  /** Handles the messages and other events of XPC that wait. */
  drain(): void;
  /** Sends a message to the peer, numbered by {@link LaneTransport.numbered}. */
  send(message: XpcDictionary): void;
  /** The peer does what no peer does by mistake, or its messages do not come: the connection must end. */
  failed(error: BridgeError): void;
}

/** How one side uses a lane. */
export interface LaneUse {
  /** Whether this side has made it. */
  readonly isMaker: boolean;
  /** Whether it always sleeps while it waits for records. */
  readonly sleeps: boolean;
}

/** An incoming port on the lane. */
class IncomingRecords {
  readonly port: IncomingPort;
  #codec: LaneCodec | undefined;

  constructor(port: IncomingPort) {
    this.port = port;
  }

  #compile(): LaneCodec {
    const { queue: { schema }, terms } = this.port;
    return compileLane(schema, terms && frameTerms(terms));
  }

  /** What reads its frames. Made for the first one: that takes longer than a frame. */
  get codec(): LaneCodec {
    return this.#codec ??= this.#compile();
  }
}

/** Carries frames through a lane. */
export class LaneTransport implements Transport, Disposable {
  readonly path = "lane";
  readonly #channel: LaneChannel;
  readonly #lane: NativeLane;
  readonly #writer: RingWriter;
  readonly #reader: RingReader;
  readonly #waiting: LaneWaiting;
  readonly #views: LaneViews;
  readonly #outlet: RecordOutlet;
  /** The indexes of the outgoing ports. */
  #outgoing: readonly string[] = [];
  /** The incoming ports, by index. */
  #incoming: readonly IncomingRecords[] = [];
  readonly #header = new RecordHeader();
  /** The memory of the frame that is read. */
  readonly #found: FoundMemory;
  readonly #taker: ReleaseTaker;
  /** The numbered messages that were sent so far, and those that have come. */
  #sent = 0;
  #came = 0;
  /** The total that the peer was last told of the frames that were dropped unread. */
  #dropped = 0;
  /** Runs while a record waits for a message. */
  #overdue: Timer | undefined;
  /** Whether what is written now will be shown together with a frame. */
  #holds = false;
  /** Whether something was written that the peer was not shown. */
  #isUnshown = false;
  #isReading = false;
  #isOver = false;

  /** @param lane is taken over */
  constructor(
    channel: LaneChannel,
    lane: NativeLane,
    { isMaker, sleeps }: LaneUse,
  ) {
    this.#channel = channel;
    this.#lane = lane;
    this.#views = {
      ...laneBytes(new Uint8Array(lane.buffer)),
      counters: new Int32Array(lane.buffer, 0, lane.buffer.byteLength >> 2),
    };
    this.#writer = new RingWriter(lane, this.#views, isMaker ? 0 : 1);
    this.#reader = new RingReader(lane, this.#views, isMaker ? 1 : 0);
    this.#waiting = new LaneWaiting(lane, this.#reader, sleeps, {
      read: () => this.poll(),
      sleeps: () => channel.releases.flush(),
      drain: () => channel.drain(),
      misused: (why) => this.#fail(why),
    });
    this.#found = new FoundMemory(channel.table, channel.offered);
    this.#taker = {
      dropped: (count) => channel.peerDropped(count),
      piece: (id, generation) => channel.memoryReleased(id, generation, false),
      frame: (id) => channel.frameReleased(id),
    };
    this.#outlet = {
      ring: this.#views,
      reserve: (bytes) => this.#reserve(bytes),
      commit: (port, at, bytes) => this.#commit(port, at, bytes),
      abandon: () => this.#publish(),
      sendRecord: (port, record) => this.#sendRecord(port, record),
      end: (port, name) => this.#end(port, name),
    };
  }

  /** From now on this side rings the bell that was received from the peer. Throws `bad_argument` if it is none. */
  connect(bell: Capability): void {
    this.#lane.connect(bell);
  }

  // ---- ports ----

  /** Sets how both sides use the ports. Those of a direction are numbered by their names, in the order of UTF-16 code units. */
  agree(outgoing: TermsByPort, incoming: TermsByPort): void {
    this.#outgoing = [...outgoing.keys()].sort();
    this.#incoming = [...incoming.keys()].sort().map((name) =>
      new IncomingRecords(this.#channel.ports.get(name)!)
    );
  }

  writer<S extends Schema>(
    portName: string,
    schema: S,
    terms: PortTerms | undefined,
  ): PortWriter<S> {
    return new LaneWriter(
      this.#outgoing.indexOf(portName),
      portName,
      () => compileLane(schema, terms && frameTerms(terms)),
      this.#outlet,
    );
  }

  // ---- sending ----

  /** Returns the number that the next message gets, as its field. */
  numbered(): XpcDictionary {
    this.#publish(); // what was written before a message is read before it
    return { [CHANNEL_KEY.number]: uint64(++this.#sent) };
  }

  #reserve(bytes: number): number | undefined {
    this.#holds = true;
    this.#channel.releases.flushUrgent(); // shown together with the frame
    this.#holds = false;
    const at = this.#place(bytes);
    if (at === undefined) this.#publish();
    return at;
  }

  /** Returns where a payload can be written; `undefined` if the ring has no room for it. */
  #place(bytes: number): number | undefined {
    if (bytes > this.#writer.maxPayload || this.#isOver) return undefined;
    try {
      const at = this.#writer.reserve(slotsOf(bytes));
      return at === undefined ? undefined : at + RECORD_HEADER_BYTES;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#fail(`it has read more than was written: ${error.message}`);
      return undefined;
    }
  }

  #commit(port: number, payloadAt: number, bytes: number): number {
    const at = payloadAt - RECORD_HEADER_BYTES;
    const slots = slotsOf(bytes);
    const id = this.#channel.takeFrameId();
    writeFrameHeader(this.#views, at, this.#sent, port, slots, id, bytes);
    this.#show(at, slots);
    return id;
  }

  #show(at: number, slots: number): void {
    this.#writer.commit(at, slots, this.#sent);
    this.#isUnshown = true;
    if (!this.#holds) this.#publish();
  }

  /** Shows the peer what was written. */
  #publish(): void {
    if (!this.#isUnshown) return;
    this.#isUnshown = false;
    this.#writer.publish();
  }

  #sendRecord(port: number, record: LaneBytes): number {
    const id = this.#channel.takeFrameId();
    const bytes = record.bytes.length - RECORD_HEADER_BYTES;
    writeFrameHeader(record, 0, this.#sent, port, 0, id, bytes);
    this.#channel.send({
      [CHANNEL_KEY.msgType]: MSG_TYPE.frame,
      [CHANNEL_KEY.record]: record.bytes,
    });
    return id;
  }

  #end(port: number, name: string): void {
    const { releases } = this.#channel;
    releases.flush();
    const dropped = releases.takeDropped();
    const at = this.#place(END_PAYLOAD_BYTES);
    if (at === undefined) {
      this.#channel.send(endMessage(name, droppedField(dropped)));
      return;
    }
    this.#dropped = dropped ?? this.#dropped;
    const start = at - RECORD_HEADER_BYTES;
    writeEnd(this.#views, start, this.#sent, port, this.#dropped);
    this.#show(start, slotsOf(END_PAYLOAD_BYTES));
  }

  /** Sends releases: as a record if there is room, else as a message, so that they never wait. */
  sendReleases(batch: ReleaseBatch): void {
    const { frames, pieces, givenAway, dropped } = batch;
    const bytes = releaseBytes(pieces.length, frames.length);
    const fits = !givenAway && pieces.every(fitsRecord);
    const at = fits ? this.#place(bytes) : undefined;
    if (at === undefined || !pieces.every(fitsRecord)) {
      this.#channel.send(releaseMessage(batch));
      return;
    }
    this.#dropped = dropped ?? this.#dropped;
    const start = at - RECORD_HEADER_BYTES;
    writeRelease(
      this.#views,
      start,
      this.#sent,
      this.#dropped,
      pieces,
      frames.map(Number),
    );
    this.#show(start, slotsOf(bytes));
  }

  // ---- receiving ----

  /** Waits awake for a short time. Returns whether records have come, and were handled. */
  spin(): boolean {
    if (this.#isReading || this.#isOver) return false;
    this.#channel.releases.flushUrgent(); // the peer may be waiting for them
    return this.#waiting.spin();
  }

  /** Blocks this thread until something has come, for at most `ms` milliseconds, and handles it. */
  block(ms: number): void {
    if (this.#isReading || this.#isOver) return;
    this.#waiting.block(ms);
  }

  /** Handles the records that can be read now. */
  poll(): void {
    if (this.#isReading || this.#isOver) return;
    const ready = this.#look();
    if (ready > 0) this.#read(ready);
  }

  /** Handles what could be read at one look, and not what the peer writes meanwhile: it may write without end. */
  #read(ready: number): void {
    this.#isReading = true;
    try {
      this.#readRecords(ready);
    } finally {
      this.#isReading = false;
    }
  }

  /** Returns the slots that can be read: none, if the peer's head cannot be. */
  #look(): number {
    try {
      return this.#reader.look();
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#fail(
        `it has written more than there is room for: ${error.message}`,
      );
      return 0;
    }
  }

  /** Handles the records in the slots that are ready, up to one that waits for a message. */
  #readRecords(ready: number): void {
    const reader = this.#reader;
    const header = this.#header;
    try {
      for (let left = ready; left > 0;) {
        const { at, slot } = reader;
        const wrong = header.readSlot(
          this.#views,
          at,
          slot,
          left,
          this.#lane.slots,
        );
        if (wrong !== undefined) {
          this.#fail(`it has written ${wrong}`);
          return;
        }
        if (!this.#isNext(header.after)) return;
        left -= header.slots;
        reader.advance(header.slots);
        this.#handle(this.#views, at + RECORD_HEADER_BYTES);
        if (this.#isOver) return;
      }
    } finally {
      if (!this.#isOver) reader.publish();
    }
  }

  /** Whether all messages have come that were sent before a record. */
  #isNext(after: number): boolean {
    const ahead = (after - this.#came) >>> 0;
    if (ahead === 0) return true;
    if (ahead >= 2 ** 31) {
      return this.#fail(
        `it has written a record after message ${after}, when message ${this.#came} had come`,
      );
    }
    this.#overdue ??= this.#channel.clock.after(NUMBERED_TIMEOUT_MS, () => {
      this.#fail(
        `it has written a record after message ${after}, and message ${
          this.#came + 1
        } did not come within ${NUMBERED_TIMEOUT_MS} ms`,
        "timed_out",
      );
    });
    return false;
  }

  /**
   * Handles what was written before a message was sent, which has now come; then
   * counts it. Call it before the message is handled, and {@link poll} after it.
   * Returns whether to handle it.
   */
  arrived(message: XpcDictionary): boolean {
    this.poll();
    const number = getId(message, CHANNEL_KEY.number);
    if (this.#isOver) return false;
    if (number === undefined) return true;
    if (number !== this.#came + 1) {
      return this.#fail(
        `its message ${number} has come after its message ${this.#came}`,
      );
    }
    this.#came++;
    this.#overdue?.cancel();
    this.#overdue = undefined;
    return true;
  }

  /** Handles the record of a frame that was not written into the ring, but sent as a message. */
  receiveRecord(data: Uint8Array): void {
    const record = laneBytes(data as Uint8Array<ArrayBuffer>);
    const wrong = this.#header.readMessage(record);
    if (wrong === undefined) this.#handle(record, RECORD_HEADER_BYTES);
    else this.#channel.problem("frame", `received ${wrong}`);
  }

  #handle(from: LaneBytes, at: number): void {
    const { kind, bytes } = this.#header;
    if (kind === RECORD_KIND.frame) this.#handleFrame(from, at);
    else if (kind === RECORD_KIND.release) {
      const wrong = readRelease(from, at, bytes, this.#taker);
      if (wrong !== undefined) {
        this.#channel.problem("release", `received ${wrong}`);
      }
    } else if (kind === RECORD_KIND.end) this.#handleEnd(from, at);
  }

  #handleFrame(from: LaneBytes, at: number): void {
    const { port: index, frame: id, bytes } = this.#header;
    const incoming = this.#incoming[index];
    const { releases } = this.#channel;
    if (!incoming) {
      releases.frame(id);
      return this.#unknownPort("a frame", index);
    }
    const { port, codec } = incoming;
    const lease = new Lease(port);
    const memory = this.#found;
    memory.begin(lease);
    const frame = port.queue.frame(lease);
    const misfit = codec.read(from, at, bytes, memory, frame);
    const { hasPeersMemory } = memory;
    const refused = misfit
      ? {
        kind: "misfit",
        text: `a frame on port '${port.name}' does not fit: ${misfit.message}`,
      }
      : port.queue.hasEnd
      ? {
        kind: "after end",
        text:
          `received a frame for port '${port.name}' after the end of that port`,
      }
      : undefined;
    if (!refused) {
      port.put(id, frame, lease, codec.cost(bytes), hasPeersMemory);
      return;
    }
    port.discard(lease); // releases the memory that the frame names
    if (hasPeersMemory) releases.flush();
    else releases.frame(id);
    this.#channel.problem(`${refused.kind}:${port.name}`, refused.text);
  }

  #handleEnd(from: LaneBytes, at: number): void {
    const { port: index, bytes } = this.#header;
    const dropped = readEnd(from, at, bytes);
    if (typeof dropped === "string") {
      this.#channel.problem("end", `received ${dropped}`);
      return;
    }
    this.#channel.peerDropped(dropped);
    const port = this.#incoming[index]?.port;
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
      `received ${what} for port ${index}, of ${this.#incoming.length}`,
    );
  }

  // ---- the end ----

  /** Ends the connection by name. Returns false. */
  #fail(what: string, code: ErrorCode = "malformed_message"): false {
    if (this.#isOver) return false;
    this.#stop();
    this.#channel.failed(
      new BridgeError(code, `The other side has misused the lane: ${what}`),
    );
    return false;
  }

  #stop(): void {
    this.#isOver = true;
    this.#waiting.end();
    this.#overdue?.cancel();
  }

  /** Ends the lane for this side, and unmaps its memory. */
  [Symbol.dispose](): void {
    this.#stop();
    this.#lane[Symbol.dispose]();
  }
}
