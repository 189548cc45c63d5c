/**
 * The sending half of a port.
 *
 * @module
 */

import { BridgeError } from "../proto/errors.ts";
import type { NumericArray } from "../proto/schema/field_type.ts";
import { compile, type FrameCodec } from "../proto/wire/frame_codec.ts";
import { CHANNEL_KEY } from "../proto/wire/keys.ts";
import type { Port } from "../proto/schema/port.ts";
import type { Frame, Schema } from "../proto/schema/field_type.ts";
import type { Surface } from "../proto/schema/surface.ts";
import { uint64, type XpcDictionary } from "../proto/wire/xpc_value.ts";
import type { Clock } from "../ffi/clock.ts";
import type { Native } from "../ffi/native.ts";
import { type Filling, FrameMemory, giveBack } from "./memory/frame_memory.ts";
import type { FrameTemplate } from "./memory/frame_template.ts";
import type { Bounded } from "./memory/memory_plan.ts";
import type { LatencyWindow } from "./latency_window.ts";
import type { Flight, Pooled } from "./memory/memory_pool.ts";
import type { OfferedMemory, PieceOwner } from "./memory/offered_memory.ts";

/** A frame that is being filled. Dispose it, or send it: what was sent is disposed. */
export type OutgoingFrame<S extends Schema> =
  & { -readonly [K in keyof Frame<S>]: Frame<S>[K] }
  & Disposable;

/** What a sender needs from its channel. */
export interface SenderChannel {
  /** Whether frames may go. */
  readonly isOpen: boolean;
  /** What the receiver was offered. */
  readonly offered: OfferedMemory;
  /** How long frames are out. */
  readonly latency: LatencyWindow;
  /** Sends the fields of a frame of this port; the frame's id. */
  sendFrame(portName: string, fields: XpcDictionary): bigint;
}

/** What one port has sent. */
export interface SenderStats {
  /** Frames that went to the other side. */
  readonly sent: number;
  /** Frames that did not: the channel was not open, or there was no room. */
  readonly dropped: number;
}

/**
 * Where frames go into the channel. Nothing here waits, except {@link ready}.
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
  /** What its frames hold. */
  readonly schema: S;
  /** What was sent and dropped so far. */
  readonly stats: SenderStats;
  /**
   * Resolves when the next frame would not be dropped: the channel is open and
   * there is room, for a frame with as many textures and buffers as the last.
   * Rejects when the channel has ended. This is the back-pressure of a port
   * that must lose nothing.
   */
  readonly ready: Promise<void>;
  /**
   * A frame to fill, in memory that the receiver sees: its textures and
   * buffers, at whatever depth, are as large as the template's (another frame
   * will do), everything else is the template's own. Where there is no room it
   * can be filled all the same, and {@link send} will drop and count it.
   *
   * @throws {BridgeError} `schema_mismatch` naming schema, field and value
   * where the template is not one of this schema, or asks for more textures
   * and buffers than there can be; why the channel has ended, once it has
   */
  acquire(template: FrameTemplate<S>): OutgoingFrame<S>;
  /**
   * Sends a frame that {@link acquire} gave, once, without waiting. False: it
   * was dropped, because the channel is not open or there was no room.
   *
   * @throws {BridgeError} `schema_mismatch` naming schema, field and value
   * where the frame does not fit, `bad_argument` for a frame that is not of
   * this port, was sent before, or has over 1 MiB without its shared memory
   */
  send(frame: Frame<S>): boolean;
}

/** A frame that acquire() gave, from then until its memory is back. */
interface OutgoingRecord extends Filling, Flight {
  /** It was sent or disposed. */
  done: boolean;
}

/** The sending half of a port, with what its channel tells it. */
export class PortSender<S extends Schema = Schema>
  implements FrameSender<S>, PieceOwner {
  readonly name: string;
  readonly schema: S;
  readonly #clock: Clock;
  readonly #codec: FrameCodec<S>;
  readonly #channel: SenderChannel;
  readonly #memory: FrameMemory;
  readonly #inOrder: boolean;
  /** Frames that may be held or out at a time. */
  readonly #limit: number;
  /** Frames that are being filled. */
  #held = 0;
  /** Frames that the receiver has, and will release. */
  #out = 0;
  /** Of those, the ones without shared memory: they are released by their id. */
  readonly #bare = new Map<bigint, Flight>();
  readonly #records = new WeakMap<object, OutgoingRecord>();
  #waiting: PromiseWithResolvers<void> | undefined;
  #failure: Error | undefined;
  #sent = 0;
  #dropped = 0;

  /** Made by the channel. */
  constructor(
    native: Native,
    channel: SenderChannel,
    name: string,
    port: Port<S>,
  ) {
    this.name = name;
    this.schema = port.schema;
    this.#clock = native.clock;
    this.#channel = channel;
    this.#codec = compile(port.schema);
    this.#inOrder = port.read_behavior === "read_next_in_order";
    // In order: as many as the receiver can keep, so that none is lost there. Else also
    // the one that it looks at and the one that is being filled: it drops the oldest itself.
    this.#limit = this.#inOrder ? port.capacity : port.capacity + 2;
    this.#memory = new FrameMemory(
      native,
      channel.offered,
      port.schema,
      this.#limit,
    );
  }

  /** The pools of its memory, which ask for as much as they can use. */
  get pools(): Bounded[] {
    return this.#memory.pools;
  }

  get stats(): SenderStats {
    return { sent: this.#sent, dropped: this.#dropped };
  }

  get ready(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#channel.isOpen && this.#hasRoom) return Promise.resolve();
    if (!this.#waiting) {
      this.#waiting = Promise.withResolvers();
      this.#waiting.promise.catch(() => {}); // whoever awaits it hears of it
    }
    return this.#waiting.promise;
  }

  get #hasRoom(): boolean {
    return this.#held + this.#out < this.#limit && this.#memory.hasRoom;
  }

  acquire(template: FrameTemplate<S>): OutgoingFrame<S> {
    if (this.#failure) throw this.#failure;
    const record: OutgoingRecord = {
      pieces: new Map(),
      spare: this.#held + this.#out >= this.#limit,
      out: 0,
      sentAt: 0,
      done: false,
    };
    const frame = this.#memory.fill(template, record);
    if (this.#counts(record)) this.#held++;
    this.#records.set(frame, record);
    Object.defineProperty(frame, Symbol.dispose, {
      value: () => this.#discard(record),
    });
    return frame as unknown as OutgoingFrame<S>;
  }

  /** Whether a frame takes room until its receiver releases it. */
  #counts({ spare, pieces }: Filling): boolean {
    return !spare && (this.#inOrder || pieces.size > 0);
  }

  send(frame: Frame<S>): boolean {
    const record = this.#records.get(frame);
    if (!record || record.done) {
      throw new BridgeError(
        "bad_argument",
        `Cannot send this frame on port '${this.name}': ${
          record ? "it was sent or disposed before" : "acquire() it here first"
        }`,
      );
    }
    if (record.spare || !this.#channel.isOpen) {
      const misfit = this.#codec.check(frame);
      this.#discard(record);
      if (misfit) throw new BridgeError("schema_mismatch", misfit.message);
      this.#dropped++;
      return false;
    }
    const fields = this.#encode(frame, record);
    for (const pooled of record.pieces.values()) {
      if (pooled.state === "out") this.#channel.offered.offer(pooled, this);
    }
    const id = this.#channel.sendFrame(this.name, fields);
    this.#sent++;
    this.#takeOff(id, record);
    return true;
  }

  /** The frame as it crosses. The pieces that it names, and no others, are out then. */
  #encode(frame: Frame<S>, record: OutgoingRecord): XpcDictionary {
    for (const pooled of record.pieces.values()) pooled.state = "held"; // an attempt before may have failed halfway
    return this.#codec.encode(frame, {
      texture: (surface) => this.#name(record, surface),
      buffer: (samples) => ({
        ...this.#name(record, samples),
        [CHANNEL_KEY.length]: uint64(samples.length),
      }),
    });
  }

  #name(record: OutgoingRecord, value: Surface | NumericArray): XpcDictionary {
    const pooled = record.pieces.get(value);
    if (!pooled) {
      throw new BridgeError(
        "bad_argument",
        `Cannot send this memory on port '${this.name}': fill what acquire() gave`,
      );
    }
    pooled.state = "out";
    return {
      [CHANNEL_KEY.surfaceId]: uint64(pooled.id),
      [CHANNEL_KEY.generation]: uint64(pooled.generation),
    };
  }

  /** It was sent: what it does not name is free, the rest comes back with its release. */
  #takeOff(id: bigint, record: OutgoingRecord): void {
    record.done = true;
    record.sentAt = this.#clock.now();
    if (this.#counts(record)) this.#held--;
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
    giveBack(record);
    this.changed();
  }

  // ---- called by the channel ----

  /** The channel opened, or room was made. */
  changed(): void {
    if (!this.#waiting || !this.#channel.isOpen || !this.#hasRoom) return;
    this.#waiting.resolve();
    this.#waiting = undefined;
  }

  returned(pooled: Pooled): void {
    const { flight } = pooled;
    pooled.state = "free";
    pooled.flight = undefined;
    if (flight && --flight.out === 0) this.#land(flight);
    this.changed();
  }

  /** The receiver has released a frame that had no shared memory. */
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

  /** The receiver is gone, and what it had is free. Another one may come. */
  detach(): void {
    this.#memory.recall();
    this.#bare.clear();
    this.#out = 0;
  }

  /** The channel has ended: nothing will ever be sent. */
  end(failure: Error): void {
    this.#failure = failure;
    this.#waiting?.reject(failure);
    this.#waiting = undefined;
    this.#memory[Symbol.dispose]();
  }
}
