/**
 * One end of a lane with the fewest objects that frames need: a template, a frame
 * that is acquired and one that is received, each with a lease; what was sent is
 * counted until its release comes. It has one port and one schema, and no check. So
 * it shows what JavaScript needs for frames, beside what this library does with them.
 */

import type { Frame } from "../../../host/mod.ts";
import type { Sample } from "../ports.ts";
import { RingEnd } from "./ring_end.ts";

/** The slots of a frame, and of a release. */
const FRAME_SLOTS = 2;
const RELEASE_SLOTS = 1;
/** The first number of a record: its kind. */
const FRAME = 1, RELEASE = 2, STOP = 3;

type Values = Frame<typeof Sample>;

/** What a frame holds. */
class LeanLease {
  readonly end: LeanEnd;
  readonly id: number;
  isHeld = true;

  constructor(end: LeanEnd, id: number) {
    this.end = end;
    this.id = id;
  }
}

/** A frame on lease. */
export class LeanFrame implements Values {
  readonly lease: LeanLease;
  readonly number: number;
  readonly is_last: number;
  readonly sent_us: number;
  readonly turn_x: number;
  readonly turn_y: number;
  readonly turn_z: number;
  readonly pull_x: number;
  readonly pull_y: number;
  readonly pull_z: number;

  constructor(lease: LeanLease, values: Values) {
    this.lease = lease;
    this.number = values.number;
    this.is_last = values.is_last;
    this.sent_us = values.sent_us;
    this.turn_x = values.turn_x;
    this.turn_y = values.turn_y;
    this.turn_z = values.turn_z;
    this.pull_x = values.pull_x;
    this.pull_y = values.pull_y;
    this.pull_z = values.pull_z;
  }

  /** Ends the lease of a received frame: its sender is told with the next frame. */
  dispose(): void {
    if (!this.lease.isHeld) return;
    this.lease.isHeld = false;
    this.lease.end.owe(this.lease.id);
  }
}

/** One end of a lane. */
export class LeanEnd extends RingEnd {
  #lastId = 0;
  /** What was sent and not released. */
  readonly #out = new Map<number, LeanLease>();
  /** The releases that are owed. */
  #owed: number[] = [];

  /** Returns a frame to be sent. */
  acquire(values: Values): LeanFrame {
    return new LeanFrame(new LeanLease(this, ++this.#lastId), values);
  }

  /** Sends a frame, behind the releases that are owed. */
  send(frame: LeanFrame): void {
    const { lease } = frame;
    if (!lease.isHeld) throw new Error("it was sent already");
    for (const id of this.#owed) this.#write(RELEASE, id);
    if (this.#owed.length > 0) this.#owed = [];
    const { view } = this;
    const at = this.place(FRAME_SLOTS);
    view.setUint32(at, FRAME, true);
    view.setUint32(at + 4, lease.id, true);
    view.setUint32(at + 8, frame.number, true);
    view.setUint32(at + 12, frame.is_last, true);
    view.setFloat64(at + 16, frame.sent_us, true);
    view.setFloat64(at + 24, frame.turn_x, true);
    view.setFloat64(at + 32, frame.turn_y, true);
    view.setFloat64(at + 40, frame.turn_z, true);
    view.setFloat64(at + 48, frame.pull_x, true);
    view.setFloat64(at + 56, frame.pull_y, true);
    view.setFloat64(at + 64, frame.pull_z, true);
    this.writer.commit(at, FRAME_SLOTS, 0);
    this.writer.publish();
    lease.isHeld = false;
    this.#out.set(lease.id, lease);
  }

  /** A frame was disposed. */
  owe(id: number): void {
    this.#owed.push(id);
  }

  /** Ends the other end, which is waiting for a record. */
  stop(): void {
    this.#write(STOP, 0);
    this.writer.publish();
  }

  #write(kind: number, id: number): void {
    const at = this.place(RELEASE_SLOTS);
    this.view.setUint32(at, kind, true);
    this.view.setUint32(at + 4, id, true);
    this.writer.commit(at, RELEASE_SLOTS, 0);
  }

  /** Reads up to the next frame. Returns `undefined` at the end. `sleeps`: see {@link RingEnd.await}. */
  receive(sleeps: boolean): LeanFrame | undefined {
    const { view, reader } = this;
    for (;;) {
      this.await(RELEASE_SLOTS, sleeps);
      const { at } = reader;
      const kind = view.getUint32(at, true);
      const id = view.getUint32(at + 4, true);
      if (kind !== FRAME) {
        reader.advance(RELEASE_SLOTS);
        reader.publish();
        if (kind === STOP) return undefined;
        this.#out.delete(id);
        continue;
      }
      const frame = new LeanFrame(new LeanLease(this, id), {
        number: view.getUint32(at + 8, true),
        is_last: view.getUint32(at + 12, true),
        sent_us: view.getFloat64(at + 16, true),
        turn_x: view.getFloat64(at + 24, true),
        turn_y: view.getFloat64(at + 32, true),
        turn_z: view.getFloat64(at + 40, true),
        pull_x: view.getFloat64(at + 48, true),
        pull_y: view.getFloat64(at + 56, true),
        pull_z: view.getFloat64(at + 64, true),
      });
      reader.advance(FRAME_SLOTS);
      reader.publish();
      return frame;
    }
  }
}
