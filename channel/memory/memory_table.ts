/**
 * The shared memory that the peer has offered.
 *
 * @module
 */

import { BridgeError } from "../../proto/errors.ts";
import { MAX_OFFERED } from "../../proto/limits.ts";
import type { Capability, Id } from "../../proto/wire/xpc_value.ts";
import { NativeBuffer } from "../../ffi/buffer.ts";
import type { ShmemHandle, SurfaceHandle } from "../../ffi/handle.ts";
import type { Native } from "../../ffi/native.ts";
import { NativeSurface } from "../../ffi/surface.ts";
import { Piece, Use, type UseOwner } from "./piece.ts";

/** The memory behind a texture or a buffer. */
export type Memory = NativeSurface | NativeBuffer;

/** Called when a use of a piece has ended. `givenAway`: a view of the piece was transferred. */
export type Released = (
  id: Id,
  generation: Id,
  givenAway: boolean,
) => void;

/** A piece that a peer has offered. */
class Imported implements UseOwner {
  readonly piece: Piece<Memory>;
  /** Its id, which the peer chose; undefined if the peer cannot name it again. */
  readonly id: Id | undefined;
  readonly #table: MemoryTable;
  #uses = 0;
  #retired: boolean;

  constructor(table: MemoryTable, memory: Memory, id: Id | undefined) {
    this.#table = table;
    this.piece = new Piece(memory);
    this.id = id;
    this.#retired = id === undefined;
  }

  /** Whether the current peer of a table knows the piece by its id. */
  isKnownTo(table: MemoryTable): boolean {
    return this.#table === table && !this.#retired;
  }

  /** Begins a use. The caller holds it. */
  use(generation: Id): Use {
    this.#uses++;
    return new Use(this.piece, this, generation);
  }

  idle({ generation }: Use): void {
    this.#uses--;
    if (!this.#retired) this.#table.ended(this, generation);
    else if (this.#uses === 0) this.#dispose();
  }

  /** The peer will not name the piece again. It is disposed with its last use. */
  retire(): void {
    this.#retired = true;
    if (this.#uses === 0) this.#dispose();
  }

  #dispose(): void {
    this.#table.forgotten(this.piece);
    this.piece[Symbol.dispose]();
  }
}

/** The memory that the peer has offered, by the id that the peer chose. */
export class MemoryTable {
  readonly #native: Native;
  readonly #imported = new Map<Id, Imported>();
  /** Why memory that the peer has offered cannot be used, by its id. */
  readonly #refused = new Map<Id, string>();
  readonly #released: Released;
  #givenAway = 0;

  /** @param released called when a use has ended, to tell the peer */
  constructor(native: Native, released: Released) {
    this.#native = native;
    this.#released = released;
  }

  /** Pieces of which a view was transferred so far. */
  get givenAway(): number {
    let count = this.#givenAway;
    for (const { piece } of this.#imported.values()) {
      if (piece.memory.givenAway) count++;
    }
    return count;
  }

  /**
   * Takes over offered memory. Throws `malformed_message` if the id is in use, or
   * if too much is offered. Throws what {@link NativeSurface} and
   * {@link NativeBuffer} throw if the memory cannot be used; frames that name it
   * are then refused for the same reason.
   */
  offer(id: Id, capability: Capability): void {
    const memory = this.#openOffered(id, capability);
    const taken = this.#imported.has(id);
    if (taken || this.#imported.size >= MAX_OFFERED) {
      memory[Symbol.dispose]();
      throw new BridgeError(
        "malformed_message",
        `Cannot accept surface ${id}: ${
          taken ? "this id is in use" : `${MAX_OFFERED} are offered already`
        }`,
      );
    }
    this.#imported.set(id, new Imported(this, memory, id));
  }

  #openOffered(id: Id, capability: Capability): Memory {
    try {
      return this.#open(capability);
    } catch (error) {
      if (error instanceof BridgeError && this.#refused.size < MAX_OFFERED) {
        this.#refused.set(id, error.message);
      }
      throw error;
    }
  }

  #open({ kind, handle }: Capability): Memory {
    return kind === "surface"
      ? new NativeSurface(this.#native, handle as SurfaceHandle)
      : new NativeBuffer(this.#native, handle as ShmemHandle);
  }

  /** The peer will not name this piece again. Uses of it stay valid until they end. */
  retire(id: Id): void {
    this.#refused.delete(id);
    const imported = this.#imported.get(id);
    if (!imported) return;
    this.#imported.delete(id);
    imported.retire();
  }

  /** Whether the peer has offered a piece of this id and not retired it. */
  has(id: Id): boolean {
    return this.#imported.has(id);
  }

  /** Returns the use of an offered piece, which the caller holds, or the reason if there is none. */
  use(id: Id, generation: Id): Use | string {
    const imported = this.#imported.get(id);
    if (imported) return imported.use(generation);
    const refused = this.#refused.get(id);
    return `surface ${id}, which was ${
      refused ? `refused: ${refused}` : "never offered or is retired"
    }`;
  }

  /** Returns the use of memory that was sent inside a frame, without an id; it is disposed afterwards. Returns the reason if it cannot be used. */
  useOnce(capability: Capability): Use | string {
    try {
      return new Imported(this, this.#open(capability), undefined).use(0);
    } catch (error) {
      if (error instanceof BridgeError) return error.message;
      throw error;
    }
  }

  /** Returns the id by which the current peer knows the piece of a use, as its own; undefined if it does not. */
  idOf({ owner }: Use): Id | undefined {
    return owner instanceof Imported && owner.isKnownTo(this)
      ? owner.id
      : undefined;
  }

  /** A use has ended: tells the peer. */
  ended({ id, piece }: Imported, generation: Id): void {
    this.#released(id!, generation, piece.givenAway);
  }

  /** A piece is about to be disposed. */
  forgotten({ memory }: Piece): void {
    if (memory.givenAway) this.#givenAway++;
  }

  /** The peer is gone. Its memory stays while it is used; no release is sent. */
  retireAll(): void {
    this.#refused.clear();
    for (const id of [...this.#imported.keys()]) this.retire(id);
  }
}
