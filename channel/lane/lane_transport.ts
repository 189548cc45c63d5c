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
import { compileLane } from "../../proto/lane/lane_codec.ts";
import { RECORD_HEADER_BYTES } from "../../proto/lane/record.ts";
import { NUMBERED_TIMEOUT_MS } from "../../proto/limits.ts";
import type { Schema } from "../../proto/schema/field_type.ts";
import type { PortTerms } from "../../proto/schema/port_agreement.ts";
import { frameTerms } from "../../proto/wire/compiler.ts";
import { CHANNEL_KEY } from "../../proto/wire/keys.ts";
import {
  type Capability,
  getId,
  type XpcDictionary,
} from "../../proto/wire/xpc_value.ts";
import type { Timer, TimerClock } from "../../ffi/clock.ts";
import type { NativeLane } from "../../ffi/lane.ts";
import type { TermsByPort } from "../ports/channel_ports.ts";
import type { IncomingPort } from "../ports/incoming_port.ts";
import type { PortWriter, ReleaseBatch, Transport } from "../transport.ts";
import { IncomingRecords, type ReceivingChannel } from "./incoming_records.ts";
import { LaneWriter } from "./lane_writer.ts";
import { OutgoingRecords, type SendingChannel } from "./outgoing_records.ts";
import { type LaneViews, laneViews, RingReader, RingWriter } from "./rings.ts";
import { LaneWaiting } from "./waiting.ts";

/** What this transport needs from its channel. */
export interface LaneChannel extends SendingChannel, ReceivingChannel {
  readonly clock: TimerClock;
  /** The incoming ports, by name. */
  readonly ports: ReadonlyMap<string, IncomingPort>;
  /** Handles the messages and other events of XPC that wait. */
  drain(): void;
  /** Something has come: ends the idle time of the channel. */
  stir(): void;
  /** The peer has broken a rule of the lane, or a message of the peer did not come in time: the connection must end. */
  failed(error: BridgeError): void;
}

/** How one side uses a lane. */
export interface LaneUse {
  /** Whether this side has made it. */
  readonly isMaker: boolean;
  /** Whether it always sleeps while it waits for records. */
  readonly sleeps: boolean;
}

/** Carries frames through a lane. */
export class LaneTransport implements Transport, Disposable {
  readonly path = "lane";
  readonly #channel: LaneChannel;
  readonly #lane: NativeLane;
  readonly #views: LaneViews;
  readonly #reader: RingReader;
  readonly #waiting: LaneWaiting;
  readonly #outgoing: OutgoingRecords;
  readonly #incoming: IncomingRecords;
  /** The names of the outgoing ports, by index. */
  #names: readonly string[] = [];
  /** How many numbered messages have come so far. */
  #came = 0;
  /** Runs while a record waits for a message. */
  #overdue: Timer | undefined;
  #heard = 0;
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
    this.#views = laneViews(lane.buffer);
    this.#reader = new RingReader(lane, this.#views, isMaker ? 1 : 0);
    this.#waiting = new LaneWaiting(lane, this.#reader, sleeps, {
      read: () => this.poll(),
      sleeps: () => channel.releases.flush(),
      drain: () => channel.drain(),
      misused: (why) => this.#fail(why),
    });
    this.#outgoing = new OutgoingRecords(
      channel,
      new RingWriter(lane, this.#views, isMaker ? 0 : 1),
      this.#views,
      (what) => this.#fail(what),
    );
    this.#incoming = new IncomingRecords(channel);
  }

  /** From now on this side rings the bell that was received from the peer. Throws `bad_argument` if the descriptor is not a bell. */
  connect(bell: Capability): void {
    this.#lane.connect(bell);
  }

  // ---- ports ----

  /** Sets how both sides use the ports. The index of a port on the lane is its position among the names of its direction, sorted by UTF-16 code units. */
  agree(outgoing: TermsByPort, incoming: TermsByPort): void {
    this.#names = [...outgoing.keys()].sort();
    const { ports } = this.#channel;
    this.#incoming.agree(
      [...incoming.keys()].sort().map((name) => ports.get(name)!),
    );
  }

  writer<S extends Schema>(
    portName: string,
    schema: S,
    terms: PortTerms | undefined,
  ): PortWriter<S> {
    return new LaneWriter(
      this.#names.indexOf(portName),
      portName,
      () => compileLane(schema, terms && frameTerms(terms)),
      this.#outgoing,
    );
  }

  // ---- sending ----

  /** Returns the number that the next message gets, as its field. */
  numbered(): XpcDictionary {
    return this.#outgoing.numbered();
  }

  /** A numbered message was sent. */
  wasSent(): void {
    this.#outgoing.wasSent();
  }

  sendReleases(batch: ReleaseBatch): void {
    this.#outgoing.release(batch);
  }

  // ---- receiving ----

  /** Waits awake for a short time. Returns whether records have come, and were handled. */
  spin(): boolean {
    if (this.#isReading || this.#isOver) return false;
    this.#channel.releases.flushUrgent(); // the peer may be waiting for them
    return this.#waiting.spin();
  }

  /** How often records were read. */
  get heard(): number {
    return this.#heard;
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

  /** Handles the slots that were ready at one look, and not what the peer writes meanwhile: a peer that writes without end must not keep this side here. */
  #read(ready: number): void {
    this.#heard++;
    this.#channel.stir();
    this.#isReading = true;
    try {
      this.#readRecords(ready);
    } finally {
      this.#isReading = false;
    }
  }

  /** Returns the number of slots that can be read. If the peer's head is impossible, ends the connection and returns 0. */
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
    const { header } = this.#incoming;
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
        this.#incoming.handle(this.#views, at + RECORD_HEADER_BYTES);
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
        `it has written a record with after = ${after}, when its message ${this.#came} had come already`,
      );
    }
    this.#overdue ??= this.#channel.clock.after(NUMBERED_TIMEOUT_MS, () => {
      this.#fail(
        `it has written a record with after = ${after}, and its message ${
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
        `it has sent a message with number = ${number} (allowed: ${
          this.#came + 1
        }, the next one)`,
      );
    }
    this.#came++;
    this.#overdue?.cancel();
    this.#overdue = undefined;
    return true;
  }

  /** Handles the record of a frame that was not written into the ring, but sent as a message. */
  receiveRecord(data: Uint8Array): void {
    this.#incoming.receive(data);
  }

  // ---- the end ----

  /** Ends the connection with an error that says what the peer has done. Returns false, for callers that return it. */
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
    this.#outgoing.stop();
    this.#waiting.end();
    this.#overdue?.cancel();
  }

  /** Ends the lane for this side, and unmaps its memory. */
  [Symbol.dispose](): void {
    this.#stop();
    this.#lane[Symbol.dispose]();
  }
}
