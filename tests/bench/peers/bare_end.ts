/**
 * One end of a lane without frames: it writes and reads nine numbers, and knows no
 * schema, lease, port or check. It is the least that TypeScript can do with the
 * shim's functions, so it shows what a frame costs beside them.
 */

import { RingEnd } from "./ring_end.ts";

/** The slots of a record: two, as many as a frame of 64 bytes takes with its header. */
const SLOTS = 2;
/** The number that ends the other end. */
const STOP = 0xffff_ffff;

/** What is in a record, as far as it matters. */
export interface BareRecord {
  readonly number: number;
  readonly sentUs: number;
}

/** One end of a lane. */
export class BareEnd extends RingEnd {
  /** Writes a record. Waits awake for room. */
  send(number: number, sentUs: number): void {
    const { view } = this;
    const at = this.place(SLOTS);
    view.setUint32(at, number, true);
    view.setUint32(at + 4, 0, true);
    view.setFloat64(at + 8, sentUs, true);
    view.setFloat64(at + 16, 0.25, true);
    view.setFloat64(at + 24, -0.5, true);
    view.setFloat64(at + 32, number, true);
    view.setFloat64(at + 40, 0, true);
    view.setFloat64(at + 48, 9.81, true);
    view.setFloat64(at + 56, -1, true);
    this.writer.commit(at, SLOTS, 0);
    this.writer.publish();
  }

  /** Ends the other end, which is waiting for a record. */
  stop(): void {
    this.send(STOP, 0);
  }

  /** Reads the next record. Returns `undefined` if it was the last. `sleeps`: see {@link RingEnd.await}. */
  receive(sleeps: boolean): BareRecord | undefined {
    this.await(SLOTS, sleeps);
    const { view } = this;
    const { at } = this.reader;
    const number = view.getUint32(at, true) + view.getUint32(at + 4, true);
    const sentUs = view.getFloat64(at + 8, true);
    let sum = 0;
    for (let field = 16; field < 64; field += 8) {
      sum += view.getFloat64(at + field, true);
    }
    this.reader.advance(SLOTS);
    this.reader.publish();
    if (Number.isNaN(sum)) throw new Error("a number has not come");
    return number === STOP ? undefined : { number, sentUs };
  }
}
