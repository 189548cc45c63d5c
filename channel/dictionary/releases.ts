/**
 * The releases that this side owes its peer: of pieces of memory, and of frames
 * without memory. Several of them are one message.
 *
 * @module
 */

import { MAX_RELEASES_PER_MESSAGE } from "../../proto/limits.ts";
import { CHANNEL_KEY, CTRL_TYPE, MSG_TYPE } from "../../proto/wire/keys.ts";
import {
  getData,
  getNumber,
  uint64,
  type XpcDictionary,
} from "../../proto/wire/xpc_value.ts";
import type { PieceName } from "../transport.ts";

const ID_BYTES = 8;

/** What releases need from their transport. */
export interface ReleaseOutlet {
  /** Sends a message to the peer. Does nothing if there is none. */
  send(message: XpcDictionary): void;
  /** Returns the number of frames that this side has dropped unread. */
  dropped(): number;
  /** Gets an error of sending that nobody waits for. */
  failed(error: unknown): void;
}

/** Collects releases. */
export class Releases {
  readonly #outlet: ReleaseOutlet;
  #frames: bigint[] = [];
  /** By id: a frame may name a piece more than once. */
  readonly #pieces = new Map<bigint, PieceName>();
  /** The number of dropped frames that the peer knows of. */
  #told = 0;
  #scheduled = false;

  constructor(outlet: ReleaseOutlet) {
    this.#outlet = outlet;
  }

  /** Confirms a frame without memory, together with others at the end of this turn of the event loop: first the processor answers. */
  frame(id: bigint): void {
    this.#frames.push(id);
    if (this.#frames.length >= MAX_RELEASES_PER_MESSAGE) this.flush();
    else this.#schedule();
  }

  /**
   * Releases a piece, with the next {@link flush}. One that was given away has a
   * message of its own, now: the packed form has no place for that.
   */
  piece(name: PieceName, givenAway = false): void {
    if (givenAway) {
      this.#send({
        ...namesOfPieces([name]),
        [CHANNEL_KEY.givenAway]: true,
      });
      return;
    }
    this.#pieces.set(name.id, name);
    if (this.#pieces.size >= MAX_RELEASES_PER_MESSAGE) this.flush();
  }

  /** Sends what has been collected, if there is anything. */
  flush(): void {
    const [frames, pieces] = [this.#frames, [...this.#pieces.values()]];
    if (frames.length === 0 && pieces.length === 0) return;
    const dropped = this.#outlet.dropped();
    this.forget();
    this.#send({
      ...namesOfPieces(pieces),
      ...namesOfFrames(frames),
      ...(dropped !== this.#told && { [CHANNEL_KEY.dropped]: uint64(dropped) }),
    });
    this.#told = dropped;
  }

  #send(release: XpcDictionary): void {
    this.#outlet.send({
      [CHANNEL_KEY.msgType]: MSG_TYPE.control,
      [CHANNEL_KEY.ctrlType]: CTRL_TYPE.release,
      ...release,
    });
  }

  /** Forgets what has not been sent. */
  forget(): void {
    this.#frames = [];
    this.#pieces.clear();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      try {
        this.flush();
      } catch (error) {
        this.#outlet.failed(error);
      }
    });
  }
}

function namesOfFrames(ids: readonly bigint[]): XpcDictionary {
  const [first] = ids;
  if (first === undefined) return {};
  return ids.length === 1
    ? { [CHANNEL_KEY.frameId]: uint64(first) }
    : { [CHANNEL_KEY.frames]: packIds(ids) };
}

function namesOfPieces(pieces: readonly PieceName[]): XpcDictionary {
  const [first] = pieces;
  if (first === undefined) return {};
  return pieces.length === 1
    ? {
      [CHANNEL_KEY.surfaceId]: uint64(first.id),
      [CHANNEL_KEY.generation]: uint64(first.generation),
    }
    : {
      [CHANNEL_KEY.pieces]: packIds(
        pieces.flatMap(({ id, generation }) => [id, generation]),
      ),
    };
}

function packIds(ids: readonly bigint[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(ID_BYTES * ids.length));
  ids.forEach((id, index) => view.setBigUint64(ID_BYTES * index, id, true));
  return new Uint8Array(view.buffer);
}

/** A piece that the peer has released. */
export interface ReleasedPiece extends PieceName {
  /** A view of it was transferred there: it must not be used again. */
  readonly givenAway: boolean;
}

/** What a `release` says. */
export interface ReleaseMessage {
  /** The frames without memory. */
  readonly frames: readonly bigint[];
  /** The pieces of memory. */
  readonly pieces: readonly ReleasedPiece[];
  /** The number of frames that the peer has dropped unread. Undefined if it does not say. */
  readonly dropped: bigint | undefined;
}

/** Returns what a `release` says, or what is wrong with it. */
export function parseRelease(body: XpcDictionary): ReleaseMessage | string {
  const frames = unpackIds(body, CHANNEL_KEY.frames, 1);
  if (typeof frames === "string") return frames;
  const pairs = unpackIds(body, CHANNEL_KEY.pieces, 2);
  if (typeof pairs === "string") return pairs;
  const pieces: ReleasedPiece[] = [];
  for (let at = 0; at < pairs.length; at += 2) {
    const [id, generation] = [pairs[at]!, pairs[at + 1]!];
    pieces.push({ id, generation, givenAway: false });
  }
  const frame = getNumber(body, CHANNEL_KEY.frameId, "uint64");
  if (frame !== undefined) frames.push(frame);
  const id = getNumber(body, CHANNEL_KEY.surfaceId, "uint64");
  const generation = getNumber(body, CHANNEL_KEY.generation, "uint64");
  if (id !== undefined && generation !== undefined) {
    const givenAway = body[CHANNEL_KEY.givenAway] === true;
    pieces.push({ id, generation, givenAway });
  }
  return {
    frames,
    pieces,
    dropped: getNumber(body, CHANNEL_KEY.dropped, "uint64"),
  };
}

/** Returns the ids in the data at `key`, `each` of them per entry; none if it is missing. */
function unpackIds(
  body: XpcDictionary,
  key: string,
  each: number,
): bigint[] | string {
  const data = getData(body, key);
  if (!data) return [];
  const entry = ID_BYTES * each;
  if (
    data.length % entry !== 0 ||
    data.length > entry * MAX_RELEASES_PER_MESSAGE
  ) {
    return `'${key}' has ${data.length} bytes; it has ${entry} for each of at most ${MAX_RELEASES_PER_MESSAGE} entries`;
  }
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Array.from(
    { length: data.length / ID_BYTES },
    (_, index) => view.getBigUint64(ID_BYTES * index, true),
  );
}
