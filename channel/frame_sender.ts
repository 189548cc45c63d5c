/**
 * The sending half of a port.
 *
 * @module
 */

import { BridgeError } from "../proto/errors.ts";
import type { Port } from "../proto/schema/port.ts";
import type { Frame, Schema } from "../proto/schema/field_type.ts";
import type { Clock } from "../ffi/clock.ts";
import type { Native } from "../ffi/native.ts";
import { type Filling, FrameMemory, giveBack } from "./memory/frame_memory.ts";
import type { FrameTemplate } from "./memory/frame_template.ts";
import type { Bounded } from "./memory/memory_plan.ts";
import type { LatencyWindow } from "./latency_window.ts";
import type { Flight, Pooled } from "./memory/memory_pool.ts";
import type { OfferedMemory } from "./memory/offered_memory.ts";
import { type OutgoingPort, OutgoingRecord } from "./outgoing_record.ts";
import type { PortWriter } from "./transport.ts";

/** A frame to fill. Dispose it or send it; sending disposes it. */
export type OutgoingFrame<S extends Schema> =
  & { -readonly [K in keyof Frame<S>]: Frame<S>[K] }
  & Disposable;

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

/** Counters of a sending port. */
export interface SenderStats {
  /** Frames sent to the other side. */
  readonly sent: number;
  /** Frames not sent: the channel was not open, or there was no room. */
  readonly dropped: number;
}

/**
 * The sending half of a port. Nothing here waits, except {@link ready}.
 *
 * ```ts ignore
 * await blur.input.video.ready;
 * using frame = blur.input.video.acquire(template);
 * draw(frame.pixel_buffer.pixels);
 * blur.input.video.send(frame);
 * ```
 */
export interface FrameSender<S extends Schema = Schema> {
  /** The port's name. */
  readonly name: string;
  /** The schema of its frames. */
  readonly schema: S;
  /** The counters so far. */
  readonly stats: SenderStats;
  /**
   * Resolves when the next frame would not be dropped: the channel is open and
   * has room for a frame with as many textures and buffers as the last one.
   * Rejects when the channel has ended. This is the back-pressure of a port
   * that must not lose frames.
   */
  readonly ready: Promise<void>;
  /**
   * Returns a frame to fill. Its textures and buffers, at any depth, are shared
   * memory of the sizes that the template has; all other values are copied from
   * the template. Another frame can serve as the template. If there is no room,
   * the frame can be filled as usual, but {@link send} drops and counts it.
   *
   * @throws {BridgeError} `schema_mismatch` naming schema, field and value if the
   * template does not fit the schema, or asks for more textures and buffers
   * than a frame can have; the channel's failure, or `closed`, once it has ended
   */
  acquire(template: FrameTemplate<S>): OutgoingFrame<S>;
  /**
   * Sends a frame from {@link acquire}, once, without waiting. Returns false if
   * it was dropped, because the channel is not open or there was no room. A frame
   * of which a view was transferred is sent with what its memory holds now.
   *
   * @throws {BridgeError} `schema_mismatch` naming schema, field and value if the
   * frame does not fit; `bad_argument` if the frame is not from this port, was
   * sent before, or is larger than 1 MiB without its shared memory
   */
  send(frame: Frame<S>): boolean;
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
  readonly #inOrder: boolean;
  /** The most frames that may be held or out at one time. */
  readonly #limit: number;
  /** Frames acquired and not yet sent or disposed. */
  #held = 0;
  /** Frames sent and not yet released. */
  #out = 0;
  /** Of those, the frames without shared memory. They are released by their frame id. */
  readonly #bare = new Map<bigint, Flight>();
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
    this.#inOrder = port.read_behavior === "read_next_in_order";
    // In order: as many as the receiver can keep, so that it drops none. Otherwise two more,
    // the frame being read and the frame being filled: the receiver drops the oldest itself.
    this.#limit = this.#inOrder ? port.capacity : port.capacity + 2;
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

  get stats(): SenderStats {
    return { sent: this.#sent, dropped: this.#dropped };
  }

  get ready(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#channel.isOpen && this.#hasRoom) return Promise.resolve();
    if (!this.#waiting) {
      this.#waiting = Promise.withResolvers();
      this.#waiting.promise.catch(() => {}); // reported to whoever awaits it
    }
    return this.#waiting.promise;
  }

  get #hasRoom(): boolean {
    return this.#held + this.#out < this.#limit && this.#memory.hasRoom;
  }

  acquire(template: FrameTemplate<S>): OutgoingFrame<S> {
    if (this.#failure) throw this.#failure;
    const spare = this.#held + this.#out >= this.#limit;
    const record = new OutgoingRecord(this, this.#channel.offered, spare);
    const frame = this.#memory.fill(template, record);
    if (this.#counts(record)) this.#held++;
    this.#records.set(frame, record);
    Object.defineProperty(frame, Symbol.dispose, {
      value: () => this.#discard(record),
    });
    return frame as unknown as OutgoingFrame<S>;
  }

  /** Whether a frame counts against the limit until its receiver releases it. */
  #counts({ spare, pieces }: Filling): boolean {
    return !spare && (this.#inOrder || pieces.size > 0);
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
    if (record.spare || !this.#channel.isOpen) {
      const misfit = this.#writer.check(frame);
      this.#discard(record);
      if (misfit) throw new BridgeError("schema_mismatch", misfit.message);
      this.#dropped++;
      return false;
    }
    const id = this.#write(frame, record);
    this.#sent++;
    this.#takeOff(id, record);
    return true;
  }

  /** Sends the frame. If that fails, its memory is the caller's as before. */
  #write(frame: Frame<S>, record: OutgoingRecord): bigint {
    try {
      return this.#writer.send(frame, record);
    } catch (error) {
      for (const pooled of record.pieces.values()) pooled.state = "held";
      throw error;
    }
  }

  /** After sending: pieces that the frame does not name are free, the others are out until their release. */
  #takeOff(id: bigint, record: OutgoingRecord): void {
    record.done = true;
    record.sentAt = this.#clock.now();
    if (this.#counts(record)) this.#held--;
    this.#reportGivenAway(record.pieces.values());
    for (const pooled of record.pieces.values()) {
      pooled.memory.unlock(false);
      if (pooled.state === "out") {
        pooled.flight = record;
        record.out++;
      } else {
        pooled.state = "free";
      }
    }
    if (record.out > 0) {
      this.#out++;
    } else if (this.#inOrder) {
      this.#out++;
      this.#bare.set(id, record);
    }
    this.changed();
  }

  #discard(record: OutgoingRecord): void {
    if (record.done) return;
    record.done = true;
    if (this.#counts(record)) this.#held--;
    this.#reportGivenAway(record.pieces.values());
    giveBack(record);
    this.changed();
  }

  #reportGivenAway(pieces: Iterable<Pooled>): void {
    for (const { memory } of pieces) {
      if (memory.givenAway) this.#channel.givenAway(this.name);
    }
  }

  // ---- called by the channel ----

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
    if (flight && --flight.out === 0) this.#land(flight);
    this.changed();
  }

  /** The receiver has released a frame without shared memory. Ignores an id that is not of this port. */
  released(frameId: bigint): void {
    const flight = this.#bare.get(frameId);
    if (!flight) return;
    this.#bare.delete(frameId);
    this.#land(flight);
    this.changed();
  }

  #land({ sentAt }: Flight): void {
    this.#out--;
    this.#channel.latency.record(this.#clock.now() - sentAt);
  }

  /** The receiver is gone, and the memory that was out with it is free. Another one may follow. */
  detach(): void {
    this.#memory.recall();
    this.#bare.clear();
    this.#out = 0;
  }

  /** The channel has ended: no more frames will be sent. */
  end(failure: Error): void {
    this.#failure = failure;
    this.#waiting?.reject(failure);
    this.#waiting = undefined;
    this.#memory[Symbol.dispose]();
  }
}
