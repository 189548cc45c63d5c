/**
 * The sending half of a port: what may be sent now, what waits, what is dropped.
 *
 * A frame is unconfirmed from sending until the other side has released it. What
 * was sent cannot be withdrawn, so the number and the bytes of a port's
 * unconfirmed frames are bounded here.
 *
 * @module
 */

import { BridgeError } from "../proto/errors.ts";
import {
  MAX_UNCONFIRMED_BYTES,
  MAX_UNCONFIRMED_FRAMES,
} from "../proto/limits.ts";
import type {
  Frame,
  ReadBehavior,
  Schema,
} from "../proto/schema/field_type.ts";
import type { Port } from "../proto/schema/port.ts";
import type { PortTerms } from "../proto/schema/port_agreement.ts";
import type { Clock } from "../ffi/clock.ts";
import type { Native } from "../ffi/native.ts";
import type {
  FrameSender,
  OutgoingFrame,
  SenderStats,
} from "./frame_sender.ts";
import type { LatencyWindow } from "./latency_window.ts";
import { FrameMemory } from "./memory/frame_memory.ts";
import type { FrameTemplate } from "./memory/frame_template.ts";
import type { Bounded } from "./memory/memory_plan.ts";
import type { Flight, Pooled } from "./memory/memory_pool.ts";
import type { OfferedMemory } from "./memory/offered_memory.ts";
import { type OutgoingPort, OutgoingRecord } from "./outgoing_record.ts";
import type { KeptFrame, PortWriter, UnconfirmedFrame } from "./transport.ts";

/** What a sender needs from its channel. */
export interface SenderChannel {
  /** Whether frames can be sent. */
  readonly isOpen: boolean;
  /** The memory that the peer was offered. */
  readonly offered: OfferedMemory;
  /** The times from sending to release. */
  readonly latency: LatencyWindow;
  /** User code has transferred a view of a frame of this port. */
  givenAway(portName: string): void;
}

/** A frame that waits to be sent. */
interface WaitingFrame {
  readonly kept: KeptFrame;
  readonly record: OutgoingRecord;
}

/** A {@link FrameSender} with the methods that its channel calls. */
export class PortSender<S extends Schema = Schema>
  implements FrameSender<S>, OutgoingPort {
  readonly name: string;
  readonly schema: S;
  readonly #clock: Clock;
  readonly #channel: SenderChannel;
  readonly #writer: PortWriter<S>;
  readonly #memory: FrameMemory;
  /** The fields that a template must have. */
  readonly #needed: readonly string[];
  #terms: PortTerms;
  #connected = true;
  /** Frames acquired and not yet sent or disposed. */
  #held = 0;
  /** Frames sent and not yet released. */
  #out = 0;
  /** What those cost, in bytes. */
  #outCost = 0;
  /** Of those, the frames without shared memory. They are released by their frame id. */
  readonly #bare = new Map<bigint, Flight>();
  /** The newest frame, if it could not be sent yet. Only on a port that skips to the latest. */
  #next: WaitingFrame | undefined;
  /** Whether the last acquired frame has shared memory. The next one is assumed to be like it. */
  #lastShared = false;
  readonly #records = new WeakMap<object, OutgoingRecord>();
  #waiting: PromiseWithResolvers<void> | undefined;
  #failure: Error | undefined;
  #sent = 0;
  #dropped = 0;

  /** Called by the channel. */
  constructor(
    native: Native,
    channel: SenderChannel,
    name: string,
    port: Port<S>,
    writer: PortWriter<S>,
  ) {
    this.name = name;
    this.schema = port.schema;
    this.#clock = native.clock;
    this.#channel = channel;
    this.#writer = writer;
    this.#terms = port;
    this.#needed = Object.entries(port.schema.fields).filter(([, { type }]) =>
      type.kind !== "Optional"
    ).map(([name]) => name);
    this.#memory = new FrameMemory(
      native,
      channel.offered,
      port.schema,
      this.#limit,
    );
  }

  /** The memory pools of this port. Each first asks for as many pieces as it can use. */
  get pools(): Bounded[] {
    return this.#memory.pools;
  }

  /** Pieces of memory that were lost because a view of them was transferred. */
  get givenAway(): number {
    return this.#memory.givenAway;
  }

  get read_behavior(): ReadBehavior {
    return this.#terms.read_behavior;
  }

  get capacity(): number {
    return this.#terms.capacity;
  }

  get connected(): boolean {
    return this.#connected;
  }

  get stats(): SenderStats {
    return {
      sent: this.#sent,
      dropped: this.#dropped,
      waiting: this.#next ? 1 : 0,
    };
  }

  get ready(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (!this.#connected) return Promise.reject(this.#unconnected());
    if (this.#channel.isOpen && this.#hasRoom) return Promise.resolve();
    if (!this.#waiting) {
      this.#waiting = Promise.withResolvers();
      this.#waiting.promise.catch(() => {}); // reported to whoever awaits it
    }
    return this.#waiting.promise;
  }

  #unconnected(): BridgeError {
    return new BridgeError(
      "closed",
      `Cannot send on port '${this.name}': the other side does not have this optional port; check \`connected\` first`,
    );
  }

  // ---- room ----

  get #inOrder(): boolean {
    return this.read_behavior === "read_next_in_order";
  }

  /**
   * The most frames with memory that are held, wait or are out at one time. In
   * order: as many as the receiver can keep, so that it drops none. Else three
   * more: the frame that is read, the one that waits and the one that is filled.
   */
  get #limit(): number {
    return this.#inOrder ? this.capacity : this.capacity + 3;
  }

  get #inUse(): number {
    return this.#held + this.#out + (this.#next?.record.isShared ? 1 : 0);
  }

  get #hasRoom(): boolean {
    return this.#inUse < this.#limit && !this.#next &&
      this.#maySend(this.#lastShared) && this.#memory.hasRoom;
  }

  /**
   * Whether one more frame may be unconfirmed. A frame with memory is released
   * after it was read, so the receiver may keep as many as its queue has places,
   * and the one that is read. Another one is confirmed when it arrives.
   */
  #maySend(shared: boolean): boolean {
    if (this.#out === 0) return true;
    if (this.#outCost >= MAX_UNCONFIRMED_BYTES) return false;
    if (this.#inOrder) return true; // `acquire` has counted it
    return this.#out <
      (shared
        ? this.capacity + 1
        : Math.min(this.capacity, MAX_UNCONFIRMED_FRAMES));
  }

  // ---- frames ----

  acquire(template: FrameTemplate<S>): OutgoingFrame<S> {
    if (this.#failure) throw this.#failure;
    this.#checkComplete(template);
    const spare = !this.#connected || this.#inUse >= this.#limit;
    const record = new OutgoingRecord(this, this.#channel.offered, spare);
    const frame = this.#memory.fill(template, record);
    if (this.#counts(record)) this.#held++;
    if (!record.spare) this.#lastShared = record.isShared;
    this.#records.set(frame, record);
    Object.defineProperty(frame, Symbol.dispose, {
      value: () => this.#discard(record),
    });
    return frame as unknown as OutgoingFrame<S>;
  }

  #checkComplete(template: object): void {
    const given = Object(template) as { readonly [field: string]: unknown };
    const complete = this.#needed.every((name) => given[name] !== undefined);
    if (complete) return;
    const missing = this.#needed.filter((name) => given[name] === undefined);
    throw new BridgeError(
      "schema_mismatch",
      `Cannot acquire a frame like this: ${this.schema.name} needs ${
        missing.join(", ")
      }, which the template does not have`,
    );
  }

  /** Whether a frame counts against the limit until its receiver releases it. */
  #counts({ spare, isShared }: OutgoingRecord): boolean {
    return !spare && (this.#inOrder || isShared);
  }

  send(frame: Frame<S>): boolean {
    const record = this.#records.get(frame);
    if (!record || record.done) {
      throw new BridgeError(
        "bad_argument",
        `Cannot send this frame on port '${this.name}': ${
          record
            ? "it was already sent or disposed"
            : "get it from acquire() of this port"
        }`,
      );
    }
    const goes = this.#channel.isOpen && this.#connected && !record.spare;
    if (goes && this.#maySend(record.isShared)) {
      const sent = this.#write(record, () => this.#writer.send(frame, record));
      this.#dropNext();
      if (this.#counts(record)) this.#held--;
      this.#took(sent, record);
      return true;
    }
    if (goes && !this.#inOrder) {
      const kept = this.#write(record, () => this.#writer.keep(frame, record));
      this.#dropNext();
      if (this.#counts(record)) this.#held--;
      this.#reportGivenAway(record.pieces.values());
      record.park();
      this.#next = { kept, record };
      return true;
    }
    const misfit = this.#writer.check(frame);
    this.#discard(record);
    if (misfit) throw new BridgeError("schema_mismatch", misfit.message);
    this.#dropped++;
    return false;
  }

  /** Writes the frame. If that fails, its memory is the caller's as before. */
  #write<T>(record: OutgoingRecord, write: () => T): T {
    try {
      return write();
    } catch (error) {
      for (const pooled of record.pieces.values()) pooled.state = "held";
      throw error;
    }
  }

  /** After sending: counts the frame until it is released. */
  #took({ id, cost }: UnconfirmedFrame, record: OutgoingRecord): void {
    this.#reportGivenAway(record.pieces.values());
    record.launch(this.#clock.now(), cost);
    this.#sent++;
    this.#out++;
    this.#outCost += cost;
    if (record.out === 0) this.#bare.set(id, record);
    this.changed();
  }

  #discard(record: OutgoingRecord): void {
    if (record.done) return;
    if (this.#counts(record)) this.#held--;
    this.#reportGivenAway(record.pieces.values());
    record.discard();
    this.changed();
  }

  #reportGivenAway(pieces: Iterable<Pooled>): void {
    for (const { memory } of pieces) {
      if (memory.givenAway) this.#channel.givenAway(this.name);
    }
  }

  /** Sends the frame that waits, if it may be sent now. */
  #sendNext(): void {
    const next = this.#next;
    if (!next || !this.#channel.isOpen) return;
    if (!this.#maySend(next.record.isShared)) return;
    next.record.resume();
    const sent = this.#sendKept(next);
    this.#next = undefined;
    this.#took(sent, next.record);
  }

  /** If sending fails, the frame is dropped. */
  #sendKept({ kept }: WaitingFrame): UnconfirmedFrame {
    try {
      return kept.send();
    } catch (error) {
      this.#dropNext();
      throw error;
    }
  }

  #dropNext(): void {
    if (!this.#next) return;
    this.#next.record.discard();
    this.#next = undefined;
    this.#dropped++;
  }

  // ---- called by the channel ----

  /**
   * Sets how both sides use the port, for the next peer.
   *
   * @param terms undefined if the peer does not have it
   */
  agree(terms: PortTerms | undefined): void {
    this.#connected = terms !== undefined;
    if (terms) {
      this.#terms = terms;
    } else {
      this.#waiting?.reject(this.#unconnected());
      this.#waiting = undefined;
    }
  }

  /** The channel has opened, or there may be more room. */
  changed(): void {
    if (!this.#waiting || !this.#channel.isOpen || !this.#hasRoom) return;
    this.#waiting.resolve();
    this.#waiting = undefined;
  }

  returned(pooled: Pooled): void {
    const { flight } = pooled;
    this.#reportGivenAway([pooled]);
    pooled.state = "free";
    pooled.flight = undefined;
    if (flight && --flight.out === 0) this.#land(flight, true);
    else this.changed();
  }

  /** The receiver has released a frame without shared memory. Returns false if it is not one of this port. */
  released(frameId: bigint): boolean {
    const flight = this.#bare.get(frameId);
    if (!flight) return false;
    this.#bare.delete(frameId);
    // Else it was confirmed when it came, perhaps together with a later one: that is no latency.
    this.#land(flight, this.#inOrder);
    return true;
  }

  #land({ sentAt, cost }: Flight, wasRead: boolean): void {
    this.#out--;
    this.#outCost -= cost;
    if (wasRead) this.#channel.latency.record(this.#clock.now() - sentAt);
    this.#sendNext();
    this.changed();
  }

  /** The receiver is gone, and the memory that was out with it is free. Another one may follow. */
  detach(): void {
    this.#dropNext();
    this.#memory.recall();
    this.#bare.clear();
    this.#out = 0;
    this.#outCost = 0;
  }

  /** The channel has ended: no more frames will be sent. */
  end(failure: Error): void {
    this.#dropNext();
    this.#failure = failure;
    this.#waiting?.reject(failure);
    this.#waiting = undefined;
    this.#memory[Symbol.dispose]();
  }
}
