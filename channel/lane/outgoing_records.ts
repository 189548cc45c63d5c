/**
 * The records that one side of a lane sends: into its ring, or as messages if there
 * is no room.
 *
 * @module
 */

import type { LaneBytes } from "../../proto/lane/lane_memory.ts";
import {
  END_PAYLOAD_BYTES,
  RECORD_HEADER_BYTES,
  releaseBytes,
  slotsOf,
  writeEnd,
  writeFrameHeader,
  writeRelease,
} from "../../proto/lane/record.ts";
import { endMessage } from "../../proto/wire/end_message.ts";
import { CHANNEL_KEY, MSG_TYPE } from "../../proto/wire/keys.ts";
import { uint64, type XpcDictionary } from "../../proto/wire/xpc_value.ts";
import { droppedField, releaseMessage } from "../dictionary/release_message.ts";
import type { Releases } from "../releases.ts";
import type { ReleaseBatch } from "../transport.ts";
import { fitRecord } from "./lane_memory.ts";
import type { LaneViews, RingWriter } from "./rings.ts";

/** What the sending side needs from its channel. */
export interface SendingChannel {
  /** Returns the id of the next frame. */
  takeFrameId(): number;
  /** The releases that this side owes. */
  readonly releases: Releases;
  /** Sends a message to the peer, numbered by {@link OutgoingRecords.numbered}. */
  send(message: XpcDictionary): void;
}

/** What sends the frames and the end of one port. */
export type RecordOutlet = Pick<
  OutgoingRecords,
  "ring" | "reserve" | "commit" | "abandon" | "sendRecord" | "end"
>;

/** Sends frames, ends and releases. */
export class OutgoingRecords {
  /** The bytes of the ring. */
  readonly ring: LaneBytes;
  readonly #channel: SendingChannel;
  readonly #writer: RingWriter;
  readonly #misused: (what: string) => void;
  /** The numbered messages that were sent so far. */
  #sent = 0;
  /** The total that the peer was last told of the frames that were dropped. */
  #dropped = 0;
  /** Whether what is written now will be shown together with a frame. */
  #holds = false;
  /** Whether something was written that the peer was not shown. */
  #isUnshown = false;
  #isOver = false;

  /** @param misused called when the peer has broken a rule of the lane, with what it has done */
  constructor(
    channel: SendingChannel,
    writer: RingWriter,
    views: LaneViews,
    misused: (what: string) => void,
  ) {
    this.#channel = channel;
    this.#writer = writer;
    this.ring = views;
    this.#misused = misused;
  }

  /** Returns the number that the next message gets, as its field. It is counted when the message {@link wasSent}. */
  numbered(): XpcDictionary {
    this.#publish(); // what was written before a message is read before it
    return { [CHANNEL_KEY.number]: uint64(this.#sent + 1) };
  }

  /** A numbered message was sent. */
  wasSent(): void {
    this.#sent++;
  }

  // ---- frames ----

  /**
   * Returns where the payload of a frame's record can be written in the ring;
   * `undefined` if the ring has no room for it.
   */
  reserve(bytes: number): number | undefined {
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
      this.#misused(`it has read more than was written: ${error.message}`);
      return undefined;
    }
  }

  /** Sends the frame whose payload was written at `payloadAt`, the place that {@link reserve} has returned. Returns its id. Throws what {@link RingWriter.commit} throws. */
  commit(port: number, payloadAt: number, bytes: number): number {
    const at = payloadAt - RECORD_HEADER_BYTES;
    const slots = slotsOf(bytes);
    const id = this.#channel.takeFrameId();
    writeFrameHeader(this.ring, at, this.#sent, port, slots, id, bytes);
    this.#show(at, slots);
    return id;
  }

  /** Gives up the place that {@link reserve} has returned: the payload could not be written. */
  abandon(): void {
    this.#publish();
  }

  /** Sends a frame's record as a message. The payload is in it, the header is not. Returns its id. */
  sendRecord(port: number, record: LaneBytes): number {
    const id = this.#channel.takeFrameId();
    const bytes = record.bytes.length - RECORD_HEADER_BYTES;
    writeFrameHeader(record, 0, this.#sent, port, 0, id, bytes);
    this.#channel.send({
      [CHANNEL_KEY.msgType]: MSG_TYPE.frame,
      [CHANNEL_KEY.record]: record.bytes,
    });
    return id;
  }

  // ---- ends and releases ----

  /** Sends the end of a port. */
  end(port: number, portName: string): void {
    const { releases } = this.#channel;
    releases.flush();
    const dropped = releases.takeDropped();
    const at = this.#place(END_PAYLOAD_BYTES);
    if (at === undefined) {
      this.#channel.send(endMessage(portName, droppedField(dropped)));
      return;
    }
    this.#dropped = dropped ?? this.#dropped;
    const start = at - RECORD_HEADER_BYTES;
    writeEnd(this.ring, start, this.#sent, port, this.#dropped);
    this.#show(start, slotsOf(END_PAYLOAD_BYTES));
  }

  /** Sends releases: as a record if there is room, else as a message, so that they never wait. */
  release(batch: ReleaseBatch): void {
    const { frames, pieces, givenAway, dropped } = batch;
    const bytes = releaseBytes(pieces.length, frames.length);
    const fits = !givenAway && fitRecord(pieces);
    const at = fits ? this.#place(bytes) : undefined;
    if (!fits || at === undefined) {
      this.#channel.send(releaseMessage(batch));
      return;
    }
    this.#dropped = dropped ?? this.#dropped;
    const start = at - RECORD_HEADER_BYTES;
    writeRelease(
      this.ring,
      start,
      this.#sent,
      this.#dropped,
      pieces,
      frames,
    );
    this.#show(start, slotsOf(bytes));
  }

  // ---- showing ----

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

  /** From now on everything is sent as messages. */
  stop(): void {
    this.#isOver = true;
  }
}
