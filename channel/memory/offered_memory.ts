/**
 * The shared memory that this side has offered to the peer of one channel: this
 * side's own memory, and memory of other peers, whose frames this side passes on.
 * The peer keeps what it was offered in its `MemoryTable`.
 *
 * @module
 */

import { MAX_OFFERED } from "../../proto/limits.ts";
import { CHANNEL_KEY, CTRL_TYPE } from "../../proto/wire/keys.ts";
import {
  type Id,
  uint64,
  type XpcDictionary,
} from "../../proto/wire/xpc_value.ts";
import type { KnownPiece, Piece, Use } from "./piece.ts";

/** Who sent a piece. */
export interface OfferUser {
  /** The peer has released the piece. */
  returned(): void;
}

/** A piece of memory that was offered on one channel. It is idle, or taken for one frame, which the peer may hold. */
export class Offer implements KnownPiece {
  readonly piece: Piece;
  /** The id of the piece on the channel. */
  readonly id: number;
  /** The number of times that it was sent, from 0 again after 2^32. A release of an earlier time has no effect. */
  generation = 0;
  /** Whether the peer has been told of the piece. */
  isAnnounced = false;
  readonly #memory: OfferedMemory;
  #taken: { readonly use: Use; readonly user: OfferUser } | undefined;
  /** Whether the frame that it is taken for was sent. */
  #isOut = false;

  /** Called by {@link OfferedMemory.reserve}. */
  constructor(memory: OfferedMemory, piece: Piece, id: number) {
    this.#memory = memory;
    this.piece = piece;
    this.id = id;
    piece.offers.add(this);
  }

  /** Whether the offer belongs to a channel. */
  isOf(memory: OfferedMemory): boolean {
    return this.#memory === memory;
  }

  /** Whether the offer is not taken for a frame. */
  get isIdle(): boolean {
    return !this.#taken;
  }

  /** What the peer holds of the piece; undefined if it holds nothing. */
  get use(): Use | undefined {
    return this.#isOut ? this.#taken?.use : undefined;
  }

  /** Takes the offer for one frame. Holds `use` until {@link giveBack}. */
  take(use: Use, user: OfferUser): void {
    this.generation = (this.generation + 1) >>> 0;
    this.#taken = { use: use.hold(), user };
  }

  /** The frame was sent: the peer holds the piece. */
  sent(): void {
    this.#isOut = true;
  }

  /** The peer has released the piece or is gone, or the frame will not be sent: releases what was held. */
  giveBack(): OfferUser | undefined {
    const taken = this.#taken;
    this.#taken = undefined;
    this.#isOut = false;
    taken?.use.release();
    return taken?.user;
  }

  retire(): void {
    this.#memory.retire(this);
  }
}

/** The offers of one channel, by id. */
export class OfferedMemory {
  readonly #send: (type: string, fields: XpcDictionary) => void;
  readonly #hasRoomAgain: () => void;
  /** In the order of their last use, the oldest first. */
  readonly #offers = new Map<Id, Offer>();
  #nextId = 1;

  /**
   * @param send sends a control message
   * @param hasRoomAgain called when the peer has released a piece, and had as many
   * as it may have
   */
  constructor(
    send: (type: string, fields: XpcDictionary) => void,
    hasRoomAgain: () => void,
  ) {
    this.#send = send;
    this.#hasRoomAgain = hasRoomAgain;
  }

  /** Whether `count` more pieces can be taken: the peer may have at most {@link MAX_OFFERED}, with those that it holds. */
  hasRoom(count: number): boolean {
    let room = MAX_OFFERED - this.#offers.size;
    if (room >= count) return true;
    for (const { isIdle } of this.#offers.values()) if (isIdle) room++;
    return room >= count;
  }

  /** Takes an offer of a piece for one frame: one that is idle, or a new one. There is {@link hasRoom | room}. */
  reserve(use: Use, user: OfferUser): Offer {
    const offer = this.#idle(use.piece) ?? this.#add(use.piece);
    offer.take(use, user);
    return offer;
  }

  #idle({ offers }: Piece): Offer | undefined {
    for (const offer of offers) {
      if (!(offer instanceof Offer) || !offer.isIdle) continue;
      if (!offer.isOf(this)) continue;
      this.#offers.delete(offer.id);
      this.#offers.set(offer.id, offer);
      return offer;
    }
    return undefined;
  }

  #add(piece: Piece): Offer {
    if (this.#offers.size >= MAX_OFFERED) {
      this.retire([...this.#offers.values()].find(({ isIdle }) => isIdle)!);
    }
    const offer = new Offer(this, piece, this.#nextId++);
    this.#offers.set(offer.id, offer);
    return offer;
  }

  /** Tells the peer of the piece, once. */
  announce(offer: Offer): void {
    if (offer.isAnnounced) return;
    this.#send(CTRL_TYPE.surfaceOffer, {
      [CHANNEL_KEY.surfaceId]: uint64(offer.id),
      [CHANNEL_KEY.surface]: offer.piece.memory.borrow(),
    });
    offer.isAnnounced = true;
  }

  /** Tells the peer that an idle piece will not be sent again. */
  retire(offer: Offer): void {
    this.#remove(offer);
    if (!offer.isAnnounced) return;
    this.#send(CTRL_TYPE.surfaceRetire, {
      [CHANNEL_KEY.surfaceId]: uint64(offer.id),
    });
  }

  #remove(offer: Offer): void {
    this.#offers.delete(offer.id);
    offer.piece.offers.delete(offer);
  }

  /** Returns what the peer holds under a name; undefined if it holds nothing of that name. */
  find(id: Id, generation: Id): Use | undefined {
    const offer = this.#offers.get(id);
    return offer?.generation === generation ? offer.use : undefined;
  }

  /**
   * The peer reports a release. Returns whether it has an effect: the piece is
   * out and `generation` is its current use. `givenAway`: a view of the piece was
   * transferred there.
   */
  released(id: Id, generation: Id, givenAway: boolean): boolean {
    const offer = this.#offers.get(id);
    if (!offer?.use || offer.generation !== generation) return false;
    if (givenAway) offer.piece.givenAwayThere = true;
    offer.giveBack()!.returned();
    if (this.#offers.size >= MAX_OFFERED) this.#hasRoomAgain();
    return true;
  }

  /**
   * Removes all offers, because the peer is gone: the next one starts with none.
   * Returns a function that gives back the pieces which the old peer held; call it
   * when that peer cannot read them any more.
   */
  forget(): () => void {
    const offers = [...this.#offers.values()];
    for (const offer of offers) this.#remove(offer);
    return () => {
      for (const offer of offers) offer.giveBack();
    };
  }
}
