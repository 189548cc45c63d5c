/**
 * The sending half of a port.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import type { Texture, ValueOf } from "../../proto/field_type.ts";
import { compile, type FrameCodec } from "../../proto/frame_codec.ts";
import type { Port } from "../../proto/port.ts";
import type { Frame, Schema } from "../../proto/schema.ts";
import type { Surface } from "../../proto/surface.ts";
import type { XpcDictionary, XpcValue } from "../../proto/xpc_value.ts";
import type { Native } from "../native.ts";
import {
  type PooledSurface,
  type PoolOwner,
  SurfacePool,
  type SurfaceSpec,
} from "./surface_pool.ts";

/** What a frame is to look like: a value for each field, and for a texture its size and format. */
export type FrameTemplate<S extends Schema> = {
  readonly [K in keyof S["fields"]]: S["fields"][K]["type"] extends Texture
    ? SurfaceSpec
    : ValueOf<S["fields"][K]["type"]>;
};

/** A frame that is being filled. Dispose it, or send it: what was sent is disposed. */
export type OutgoingFrame<S extends Schema> =
  & { -readonly [K in keyof Frame<S>]: Frame<S>[K] }
  & Disposable;

/** What a sender needs from its channel. */
export interface SenderChannel extends PoolOwner {
  /** Whether frames may go. */
  readonly isOpen: boolean;
  /** Makes sure that the receiver has the surface. */
  offer(pooled: PooledSurface): void;
  /** The wire form of a surface that the receiver has. */
  reference(pooled: PooledSurface): XpcValue;
  /** Sends the fields of a frame of this port. */
  sendFrame(portName: string, fields: XpcDictionary): void;
}

/** What one port has sent. */
export interface SenderStats {
  /** Frames that went to the other side. */
  readonly sent: number;
  /** Frames that did not: the channel was not open, or every surface was in use. */
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
   * a surface is free. Rejects when the channel has ended. This is the
   * back-pressure of a port that must lose nothing.
   */
  readonly ready: Promise<void>;
  /**
   * A frame to fill, in memory that the receiver sees: its textures have the
   * size and format of the template's (another frame will do), its other
   * fields the template's values. Where every surface is in use it can be
   * filled all the same, and {@link send} will drop and count it.
   */
  acquire(template: FrameTemplate<S>): OutgoingFrame<S>;
  /**
   * Sends a frame that {@link acquire} gave, once, without waiting. False: it
   * was dropped, because the channel is not open or no surface was free.
   *
   * @throws {BridgeError} `schema_mismatch` naming schema, field and value
   * where the frame does not fit, `bad_argument` for a frame that is not of
   * this port, or was sent before
   */
  send(frame: Frame<S>): boolean;
}

interface Record {
  readonly pooled: Map<Surface, PooledSurface>;
  /** Filled in vain: no surface was free. */
  readonly spare: boolean;
  done: boolean;
}

/** The sending half of a port, with what its channel tells it. */
export class PortSender<S extends Schema = Schema> implements FrameSender<S> {
  readonly name: string;
  readonly schema: S;
  readonly #codec: FrameCodec<S>;
  readonly #channel: SenderChannel;
  readonly #pool: SurfacePool;
  readonly #textures: readonly string[];
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
    this.#textures = Object.entries(port.schema.fields)
      .filter(([, field]) => field.type.kind === "Texture")
      .map(([field]) => field);
    // In order: as many as the receiver can keep, so that none is lost there. Else also
    // the one that it looks at and the one that is being filled: it drops the oldest itself.
    const bound = port.read_behavior === "read_next_in_order"
      ? port.capacity
      : port.capacity + 2;
    this.#pool = new SurfacePool(native, channel, bound);
  }

  get stats(): SenderStats {
    return { sent: this.#sent, dropped: this.#dropped };
  }

  get ready(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#channel.isOpen && this.#pool.hasRoom) return Promise.resolve();
    if (!this.#waiting) {
      this.#waiting = Promise.withResolvers();
      this.#waiting.promise.catch(() => {}); // whoever awaits it hears of it
    }
    return this.#waiting.promise;
  }

  acquire(template: FrameTemplate<S>): OutgoingFrame<S> {
    const pooled = new Map<Surface, PooledSurface>();
    const values: { [field: string]: unknown } = { ...template };
    let spare = false;
    for (const field of this.#textures) {
      const spec = values[field] as SurfaceSpec;
      const taken = this.#pool.take(spec);
      if (taken) {
        pooled.set(taken.surface, taken);
        taken.surface.lock(false);
      } else {
        spare = true;
      }
      values[field] = taken?.surface ?? this.#pool.spare(spec);
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
      buffer: () => {
        throw new BridgeError("bad_argument", "Cannot send a Buffer field yet");
      },
    });
    for (const pooled of record.pooled.values()) this.#channel.offer(pooled);
    this.#finish(record, "out");
    this.#channel.sendFrame(this.name, fields);
    this.#sent++;
    return true;
  }

  #reference(record: Record, surface: Surface): XpcValue {
    const pooled = record.pooled.get(surface);
    if (pooled) return this.#channel.reference(pooled);
    throw new BridgeError(
      "bad_argument",
      `Cannot send this surface on port '${this.name}': fill the one that acquire() gave`,
    );
  }

  #finish(record: Record, state: "free" | "out"): void {
    record.done = true;
    for (const pooled of record.pooled.values()) {
      pooled.surface.unlock(false);
      pooled.state = state;
    }
  }

  #discard(frame: object): void {
    const record = this.#records.get(frame);
    if (!record || record.done) return;
    this.#finish(record, "free");
    this.changed();
  }

  // ---- called by the channel ----

  /** The channel opened, or a surface came back. */
  changed(): void {
    if (!this.#waiting || !this.#channel.isOpen || !this.#pool.hasRoom) return;
    this.#waiting.resolve();
    this.#waiting = undefined;
  }

  /** The receiver has released the surface. */
  returned(pooled: PooledSurface): void {
    this.#pool.putBack(pooled);
    this.changed();
  }

  /** The channel has ended: nothing will ever be sent. */
  end(failure: Error): void {
    this.#failure = failure;
    this.#waiting?.reject(failure);
    this.#waiting = undefined;
    this.#pool[Symbol.dispose]();
  }
}
