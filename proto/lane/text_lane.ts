/**
 * Text and bytes: the size, then the bytes. Both are copied into memory of this
 * process before they are looked at: the peer can change what is in the lane.
 *
 * @module
 */

import {
  checkBytes,
  checkString,
  TEXT_WORDS,
} from "../wire/checks/scalar_check.ts";
import { Misfit } from "../wire/misfit.ts";
import { TextReader, utf8Length, writeText } from "../wire/text.ts";
import {
  aligned,
  changed,
  type LaneType,
  type PayloadReader,
} from "./lane_type.ts";

const SIZE_BYTES = 4;

const texts = new TextReader();

/** Reads a size, and moves behind the bytes that follow it. Returns where they begin, or a misfit if they are not within the frame. */
function takeSized(reader: PayloadReader): number | Misfit {
  const at = reader.take(SIZE_BYTES, SIZE_BYTES);
  if (at < 0) return reader.short(SIZE_BYTES);
  const size = reader.view.getUint32(at, true);
  const from = reader.take(1, size);
  return from < 0 ? reader.short(size) : from;
}

/** Text, in UTF-8 without U+0000. */
export const STRING_LANE: LaneType = {
  check: checkString,
  fits: (value) => checkString(value) === undefined,
  least: SIZE_BYTES,
  end: (value, at) =>
    aligned(at, SIZE_BYTES) + SIZE_BYTES + utf8Length(value as string),
  write: (value, writer, at) => {
    const from = writer.room(at, SIZE_BYTES, SIZE_BYTES) + SIZE_BYTES;
    const { bytes, view, end } = writer;
    const written = writeText(value as string, bytes, from, end);
    if (written === undefined) throw changed();
    view.setUint32(from - SIZE_BYTES, written, true);
    return from + written;
  },
  read: (reader) => {
    const from = takeSized(reader);
    if (typeof from !== "number") return from;
    const text = texts.readShared(reader.bytes, from, reader.at - from);
    return text ?? new Misfit("", "", TEXT_WORDS, "other bytes");
  },
};

/** Bytes. */
export const BYTES_LANE: LaneType = {
  check: checkBytes,
  fits: (value) => checkBytes(value) === undefined,
  least: SIZE_BYTES,
  end: (value, at) =>
    aligned(at, SIZE_BYTES) + SIZE_BYTES + (value as Uint8Array).length,
  write: (value, writer, at) => {
    const bytes = value as Uint8Array;
    const size = bytes.length;
    const to = writer.room(at, SIZE_BYTES, SIZE_BYTES + size);
    writer.view.setUint32(to, size, true);
    writer.bytes.set(bytes, to + SIZE_BYTES);
    return to + SIZE_BYTES + size;
  },
  read: (reader) => {
    const from = takeSized(reader);
    return typeof from === "number"
      ? reader.bytes.slice(from, reader.at)
      : from;
  },
};
