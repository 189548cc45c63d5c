/**
 * A frame on its way: what the peer holds of it, from sending until the peer has
 * released it.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import type { NumericArray } from "../../proto/schema/field_type.ts";
import type { Surface } from "../../proto/schema/surface.ts";
import type { Features } from "../../proto/wire/features.ts";
import { FrameSurface } from "../memory/frame_surface.ts";
import type { Lease, PieceView } from "../memory/lease.ts";
import type { LeasedFrame } from "../memory/leased_frame.ts";
import type { MemoryTable } from "../memory/memory_table.ts";
import type {
  Offer,
  OfferedMemory,
  OfferUser,
} from "../memory/offered_memory.ts";
import type { Use } from "../memory/piece.ts";
import type { PieceName, SentMemory } from "../transport.ts";

/** The port that a frame was sent on. */
export interface FlightPort {
  /** The port's name. */
  readonly name: string;
  /** The peer has released all memory of the frame. */
  landed(flight: Flight): void;
}

/** The memory of one channel in both directions, and what its peer can. */
export interface FlightChannel {
  /** What the peer was offered. */
  readonly offered: OfferedMemory;
  /** What the peer has offered. */
  readonly table: MemoryTable;
  /** The features that both sides use. */
  features: Features;
}

/** One frame that is being sent, waits to be sent, or was sent. */
export class Flight implements SentMemory, OfferUser {
  /** What its message costs, in bytes. */
  cost = 0;
  /** A copy of the frame, if its port keeps one until the peer has released it. */
  copy: LeasedFrame | undefined;
  /** The pieces that the peer has not released. */
  #out = 0;
  readonly #port: FlightPort;
  readonly #channel: FlightChannel;
  readonly #lease: Lease;
  /** Made with the first piece: most frames have none, or few. */
  #offers: Map<Use, Offer> | undefined;
  /** Memory of the peer that goes back to it. Held until the frame was sent. */
  #back: Set<Use> | undefined;

  /** @param lease that of the frame, which is held until it was sent or kept */
  constructor(port: FlightPort, channel: FlightChannel, lease: Lease) {
    this.#port = port;
    this.#channel = channel;
    this.#lease = lease;
  }

  /** Whether the peer may have the pieces of the frame beside those that it has already. */
  get hasRoom(): boolean {
    const pieces = this.#lease.views.length;
    return pieces === 0 || this.#channel.offered.hasRoom(pieces);
  }

  /** Whether the peer confirms the frame by its id, because it has no memory to release. */
  get isBare(): boolean {
    return this.#offers === undefined;
  }

  pieceOf(value: Surface | NumericArray): PieceName {
    const { use } = this.#viewOf(value);
    const { offered, table, features } = this.#channel;
    const id = features.has("moves") ? table.idOf(use) : undefined;
    if (id !== undefined) {
      this.#back ??= new Set();
      if (!this.#back.has(use)) this.#back.add(use.hold());
      return { id, generation: use.generation, moved: true };
    }
    this.#offers ??= new Map();
    const offer = this.#offers.get(use) ?? offered.reserve(use, this);
    this.#offers.set(use, offer);
    return { id: offer.id, generation: offer.generation, moved: false };
  }

  #viewOf(value: Surface | NumericArray): PieceView {
    const isArray = ArrayBuffer.isView(value);
    const view = isArray
      ? this.#lease.viewOf(value.buffer)
      : FrameSurface.viewOf(value);
    if (view && this.#lease.views.includes(view)) {
      if (!isArray || value.byteOffset === 0) return view;
      throw new BridgeError(
        "bad_argument",
        `Cannot send this buffer on port '${this.#port.name}': it begins ${value.byteOffset} bytes ` +
          "into the frame's memory; use subarray(0, length) to send fewer elements",
      );
    }
    throw new BridgeError(
      "bad_argument",
      `Cannot send this memory on port '${this.#port.name}': a frame can be sent only with its own memory; ` +
        "fill what acquire() returned, or send a received frame as it is",
    );
  }

  offerPieces(): void {
    if (!this.#offers) return;
    for (const offer of this.#offers.values()) {
      this.#channel.offered.announce(offer);
    }
  }

  /** The frame was sent: the peer holds its pieces until it releases them. */
  launch(cost: number): void {
    this.cost = cost;
    if (this.#offers) {
      this.#out = this.#offers.size;
      for (const offer of this.#offers.values()) offer.sent();
    }
    this.#releaseBack();
  }

  /** The frame will not be sent. */
  cancel(): void {
    if (this.#offers) {
      for (const offer of this.#offers.values()) offer.giveBack();
      this.#offers = undefined;
    }
    this.#releaseBack();
    this.copy?.[Symbol.dispose]();
  }

  #releaseBack(): void {
    if (!this.#back) return;
    for (const use of this.#back) use.release();
    this.#back = undefined;
  }

  returned(): void {
    if (--this.#out === 0) this.#port.landed(this);
  }
}
