/**
 * The control message `release` of the dictionary transport.
 *
 * @module
 */

import { MAX_RELEASES_PER_MESSAGE } from "../../proto/limits.ts";
import { CHANNEL_KEY, CTRL_TYPE, MSG_TYPE } from "../../proto/wire/keys.ts";
import {
  getData,
  getId,
  type Id,
  idOf,
  uint64,
  type XpcDictionary,
} from "../../proto/wire/xpc_value.ts";
import type { PieceUse, ReleaseBatch } from "../transport.ts";

const ID_BYTES = 8;

/** Returns the message of releases. */
export function releaseMessage(
  { frames, pieces, givenAway, dropped }: ReleaseBatch,
): XpcDictionary {
  return {
    [CHANNEL_KEY.msgType]: MSG_TYPE.control,
    [CHANNEL_KEY.ctrlType]: CTRL_TYPE.release,
    ...namesOfPieces(pieces),
    ...(givenAway && { [CHANNEL_KEY.givenAway]: true }),
    ...namesOfFrames(frames),
    ...droppedField(dropped),
  };
}

/** Returns the field for the number of frames that this side has dropped; nothing if the peer knows it. */
export function droppedField(dropped: number | undefined): XpcDictionary {
  return dropped === undefined
    ? {}
    : { [CHANNEL_KEY.dropped]: uint64(dropped) };
}

function namesOfFrames(ids: readonly Id[]): XpcDictionary {
  const [first] = ids;
  if (first === undefined) return {};
  return ids.length === 1
    ? { [CHANNEL_KEY.frameId]: uint64(first) }
    : { [CHANNEL_KEY.frames]: packIds(ids) };
}

function namesOfPieces(pieces: readonly PieceUse[]): XpcDictionary {
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

function packIds(ids: readonly Id[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(ID_BYTES * ids.length));
  ids.forEach((id, index) =>
    view.setBigUint64(ID_BYTES * index, BigInt(id), true)
  );
  return new Uint8Array(view.buffer);
}

/** A piece that the peer has released. */
export interface ReleasedPiece extends PieceUse {
  /** A view of it was transferred there: it must not be used again. */
  readonly givenAway: boolean;
}

/** What a `release` says. */
export interface ReleaseMessage {
  /** The frames without memory. */
  readonly frames: readonly Id[];
  /** The pieces of memory. */
  readonly pieces: readonly ReleasedPiece[];
  /** The number of frames that the peer has dropped. Undefined if it does not say. */
  readonly dropped: Id | undefined;
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
  const frame = getId(body, CHANNEL_KEY.frameId);
  if (frame !== undefined) frames.push(frame);
  const id = getId(body, CHANNEL_KEY.surfaceId);
  const generation = getId(body, CHANNEL_KEY.generation);
  if (id !== undefined && generation !== undefined) {
    const givenAway = body[CHANNEL_KEY.givenAway] === true;
    pieces.push({ id, generation, givenAway });
  }
  return { frames, pieces, dropped: getId(body, CHANNEL_KEY.dropped) };
}

/** Returns the ids in the data at `key`, `each` of them per entry; none if it is missing. */
function unpackIds(
  body: XpcDictionary,
  key: string,
  each: number,
): Id[] | string {
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
    (_, index) => idOf(view.getBigUint64(ID_BYTES * index, true)),
  );
}
