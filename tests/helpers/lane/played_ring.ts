/**
 * The records of one side of a lane as a test plays it, over any memory: it may
 * write whatever it likes, at any time.
 */

import {
  counterAt,
  type Direction,
  type LaneViews,
  slotsAt,
} from "../../../channel/lane/rings.ts";
import {
  LANE_ASLEEP,
  LANE_HEAD,
  LANE_SLOT_BYTES,
  LANE_TAIL,
} from "../../../proto/lane/layout.ts";
import { laneBytes } from "../../../proto/lane/lane_memory.ts";
import {
  RECORD_HEADER_BYTES,
  RECORD_KIND,
  RecordHeader,
  slotsOf,
  writeSkip,
} from "../../../proto/lane/record.ts";
import { CHANNEL_KEY, MSG_TYPE } from "../../../proto/wire/keys.ts";
import { uint64, type XpcDictionary } from "../../../proto/wire/xpc_value.ts";

/** What the header of a record says. What is missing is as it should be for the payload. */
export interface RecordFields {
  readonly after?: number;
  readonly port?: number;
  readonly kind?: number;
  readonly slots?: number;
  readonly frame?: number;
  readonly bytes?: number;
}

/** Returns a record, in whole slots. */
function recordOf(
  payload: Uint8Array,
  after: number,
  header: RecordFields,
): Uint8Array<ArrayBuffer> {
  const slots = slotsOf(payload.length);
  const { bytes, view } = laneBytes(new Uint8Array(LANE_SLOT_BYTES * slots));
  view.setUint32(0, header.after ?? after, true);
  view.setUint16(4, header.port ?? 0, true);
  view.setUint8(6, header.kind ?? RECORD_KIND.frame);
  view.setUint8(7, header.slots ?? slots);
  view.setUint32(8, header.frame ?? 0, true);
  view.setUint32(12, header.bytes ?? payload.length, true);
  bytes.set(payload, RECORD_HEADER_BYTES);
  return bytes;
}

/** A record that was read. */
interface ReadRecord {
  readonly kind: number;
  readonly port: number;
  readonly after: number;
  readonly frame: number;
  readonly payload: Uint8Array<ArrayBuffer>;
}

/** The records that a played side writes and reads. */
export abstract class PlayedRing {
  /** The memory. */
  readonly views: LaneViews;
  readonly slots: number;
  /** The direction that this side writes, and the one that it reads. */
  readonly out: Direction;
  readonly in: Direction;
  /** The number of the last message that this side has sent. */
  sent = 0;
  #head = 0;
  #tail = 0;

  constructor(views: LaneViews, slots: number, out: Direction) {
    this.views = views;
    this.slots = slots;
    this.out = out;
    this.in = out === 0 ? 1 : 0;
  }

  /** Sets a counter of a direction. */
  set(direction: Direction, field: number, value: number): void {
    Atomics.store(
      this.views.counters,
      counterAt(direction, field),
      value | 0,
    );
  }

  /** Reads a counter of a direction. */
  get(direction: Direction, field: number): number {
    return Atomics.load(this.views.counters, counterAt(direction, field)) >>> 0;
  }

  /** The slots that the other side has not read yet, as it says. */
  get unread(): number {
    return (this.#head - this.get(this.out, LANE_TAIL)) >>> 0;
  }

  /** The slots that were written. */
  get head(): number {
    return this.#head;
  }

  /** Returns a message with its number. */
  numbered(message: XpcDictionary): XpcDictionary {
    return { ...message, [CHANNEL_KEY.number]: uint64(++this.sent) };
  }

  /** Returns a message with a record, which has no slots there. */
  recordMessage(payload: Uint8Array, header: RecordFields = {}): XpcDictionary {
    const record = recordOf(payload, this.sent, { slots: 0, ...header })
      .slice(0, RECORD_HEADER_BYTES + payload.length);
    return this.numbered({
      [CHANNEL_KEY.msgType]: MSG_TYPE.frame,
      [CHANNEL_KEY.record]: record,
    });
  }

  /** Writes a record where the next one belongs, whether there is room or not. Does not show it. */
  write(payload: Uint8Array, header: RecordFields = {}): void {
    const record = recordOf(payload, this.sent, header);
    const slots = record.length / LANE_SLOT_BYTES;
    const left = this.slots - (this.#head & (this.slots - 1));
    if (left < slots) {
      writeSkip(this.views, this.#at, this.sent, left);
      this.#head = (this.#head + left) >>> 0;
    }
    this.views.bytes.set(record, this.#at);
    this.#head = (this.#head + slots) >>> 0;
  }

  get #at(): number {
    const index = this.#head & (this.slots - 1);
    return slotsAt(this.out, this.slots) + LANE_SLOT_BYTES * index;
  }

  /** Shows the other side everything before slot `head`, and rings it if it sleeps. */
  show(head: number = this.#head): void {
    this.#head = head >>> 0;
    this.set(this.out, LANE_HEAD, head);
    const asleep = counterAt(this.out, LANE_ASLEEP);
    if (Atomics.exchange(this.views.counters, asleep, 0) === 1) this.ring();
  }

  /** Writes a record and shows it. */
  send(payload: Uint8Array, header: RecordFields = {}): void {
    this.write(payload, header);
    this.show();
  }

  /** Reads the records that the other side has shown, and tells it so unless it is to believe that nobody reads. */
  read(tells = true): ReadRecord[] {
    const records: ReadRecord[] = [];
    const header = new RecordHeader();
    const start = slotsAt(this.in, this.slots);
    let left = (this.get(this.in, LANE_HEAD) - this.#tail) >>> 0;
    while (left > 0) {
      const slot = this.#tail & (this.slots - 1);
      const at = start + LANE_SLOT_BYTES * slot;
      const wrong = header.readSlot(this.views, at, slot, left, this.slots);
      if (wrong !== undefined) throw new Error(wrong);
      const { kind, port, after, frame, bytes } = header;
      const from = at + RECORD_HEADER_BYTES;
      const payload = this.views.bytes.slice(from, from + bytes);
      if (kind !== RECORD_KIND.skip) {
        records.push({ kind, port, after, frame, payload });
      }
      this.#tail = (this.#tail + header.slots) >>> 0;
      left -= header.slots;
    }
    if (tells) this.set(this.in, LANE_TAIL, this.#tail);
    return records;
  }

  /** Rings the other side. */
  abstract ring(): void;
}
