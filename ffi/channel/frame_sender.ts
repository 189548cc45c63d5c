/**
 * The sending half of a port.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import type { NumericArray } from "../../proto/field_type.ts";
import { compile, type FrameCodec } from "../../proto/frame_codec.ts";
import { CHANNEL_KEY } from "../../proto/keys.ts";
import type { Port } from "../../proto/port.ts";
import type { Frame, Schema } from "../../proto/schema.ts";
import type { Surface } from "../../proto/surface.ts";
import { uint64, type XpcDictionary } from "../../proto/xpc_value.ts";
import type { Native } from "../native.ts";
import {
  fieldMemories,
  type FieldMemory,
  type FrameTemplate,
} from "./field_memory.ts";
import type { Pooled, PoolOwner } from "./memory_pool.ts";

/** A frame that is being filled. Dispose it, or send it: what was sent is disposed. */
export type OutgoingFrame<S extends Schema> =
  & { -readonly [K in keyof Frame<S>]: Frame<S>[K] }
  & Disposable;

/** What a sender needs from its channel. */
export interface SenderChannel extends PoolOwner {
  /** Whether frames may go. */
  readonly isOpen: boolean;
  /** Makes sure that the receiver has the memory. */
  offer(pooled: Pooled): void;
  /** The wire form of memory that the receiver has. */
  reference(pooled: Pooled): XpcDictionary;
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
   * there is room. Rejects when the channel has ended. This is the
   * back-pressure of a port that must lose nothing.
   */
  readonly ready: Promise<void>;
  /**
   * A frame to fill, in memory that the receiver sees: its textures and
   * buffers are as large as the template's (another frame will do), its other
   * fields have the template's values. Where there is no room it can be filled
   * all the same, and {@link send} will drop and count it.
   *
   * @throws {BridgeError} why the channel has ended, once it has
   */
  acquire(template: FrameTemplate<S>): OutgoingFrame<S>;
  /**
   * Sends a frame that {@link acquire} gave, once, without waiting. False: it
   * was dropped, because the channel is not open or there was no room.
   *
   * @throws {BridgeError} `schema_mismatch` naming schema, field and value
   * where the frame does not fit, `bad_argument` for a frame that is not of
   * this port, or was sent before
   */
  send(frame: Frame<S>): boolean;
}

interface Record {
  readonly pooled: Map<Surface | NumericArray, Pooled>;
  /** Filled in vain: there was no room. */
  readonly spare: boolean;
  done: boolean;
}

/** The sending half of a port, with what its channel tells it. */
export class PortSender<S extends Schema = Schema> implements FrameSender<S> {
  readonly name: string;
  readonly schema: S;
  readonly #codec: FrameCodec<S>;
  readonly #channel: SenderChannel;
  readonly #memories: readonly FieldMemory[];
  /** For a port in order whose frames have no shared memory: those that were not released yet. */
  readonly #unreleased: Set<bigint> | undefined;
  readonly #capacity: number;
  readonly #records = new WeakMap<object, Record>();
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
    this.#channel = channel;
    this.#codec = compile(port.schema);
    const inOrder = port.read_behavior === "read_next_in_order";
    this.#capacity = port.capacity;
    // In order: as many as the receiver can keep, so that none is lost there. Else also
    // the one that it looks at and the one that is being filled: it drops the oldest itself.
    this.#memories = fieldMemories(
      native,
      channel,
      port.schema,
      inOrder ? port.capacity : port.capacity + 2,
    );
    this.#unreleased = inOrder && this.#memories.length === 0
      ? new Set()
      : undefined;
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
    return this.#memories.every((memory) => memory.hasRoom) &&
      (this.#unreleased?.size ?? 0) < this.#capacity;
  }

  acquire(template: FrameTemplate<S>): OutgoingFrame<S> {
    if (this.#failure) throw this.#failure;
    const pooled = new Map<Surface | NumericArray, Pooled>();
    const values: { [field: string]: unknown } = { ...template };
    let spare = !this.#hasRoom;
    for (const memory of this.#memories) {
      const filled = memory.fill(values[memory.field]);
      values[memory.field] = filled.value;
      if (filled.pooled) {
        pooled.set(filled.value, filled.pooled);
        filled.pooled.memory.lock(false);
      } else {
        spare = true;
      }
    }
    this.#records.set(values, { pooled, spare, done: false });
    Object.defineProperty(values, Symbol.dispose, {
      value: () => this.#discard(values),
    });
    return values as unknown as OutgoingFrame<S>;
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
      this.#finish(record, "free");
      if (misfit) throw new BridgeError("schema_mismatch", misfit.message);
      this.#dropped++;
      return false;
    }
    const fields = this.#codec.encode(frame, {
      texture: (surface) => this.#reference(record, surface),
      buffer: (samples) => ({
        ...this.#reference(record, samples),
        [CHANNEL_KEY.length]: uint64(samples.length),
      }),
    });
    for (const pooled of record.pooled.values()) this.#channel.offer(pooled);
    const id = this.#channel.sendFrame(this.name, fields);
    this.#unreleased?.add(id);
    this.#finish(record, "out");
    this.#sent++;
    return true;
  }

  #reference(record: Record, value: Surface | NumericArray): XpcDictionary {
    const pooled = record.pooled.get(value);
    if (pooled) return this.#channel.reference(pooled);
    throw new BridgeError(
      "bad_argument",
      `Cannot send this memory on port '${this.name}': fill what acquire() gave`,
    );
  }

  #finish(record: Record, state: "free" | "out"): void {
    record.done = true;
    for (const pooled of record.pooled.values()) {
      pooled.memory.unlock(false);
      pooled.state = state;
    }
    if (state === "free") this.changed();
  }

  #discard(frame: object): void {
    const record = this.#records.get(frame);
    if (!record || record.done) return;
    this.#finish(record, "free");
  }

  // ---- called by the channel ----

  /** The channel opened, or room was made. */
  changed(): void {
    if (!this.#waiting || !this.#channel.isOpen || !this.#hasRoom) return;
    this.#waiting.resolve();
    this.#waiting = undefined;
  }

  /** The receiver has released the memory. */
  returned(pooled: Pooled): void {
    pooled.state = "free";
    this.changed();
  }

  /** The receiver has released a frame that had no shared memory. */
  released(frameId: bigint): void {
    if (this.#unreleased?.delete(frameId)) this.changed();
  }

  /** The channel has ended: nothing will ever be sent. */
  end(failure: Error): void {
    this.#failure = failure;
    this.#waiting?.reject(failure);
    this.#waiting = undefined;
    for (const memory of this.#memories) memory[Symbol.dispose]();
  }
}
