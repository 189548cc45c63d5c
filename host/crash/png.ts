/**
 * Writes PNG files.
 *
 * @module
 */

import * as zlib from "node:zlib";
import { BridgeError } from "../../proto/errors.ts";

/** What is used of zlib. The types of a user's older `@types/node` may lack it, or be at odds with Deno's. */
const { crc32, deflateSync } = zlib as unknown as {
  crc32(bytes: Uint8Array): number;
  deflateSync(bytes: Uint8Array): Uint8Array;
};

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const CHANNELS = 4;

/** How a row is predicted, by its number in the format. */
const SUB = 1;
const UP = 2;

/**
 * Encodes a picture as a PNG file with alpha, 8 bits a channel.
 *
 * ```ts
 * import { encodePng } from "./png.ts";
 *
 * const file = encodePng(1, 1, new Uint8Array([255, 0, 0, 255]), 4);
 * console.assert(file[1] === 0x50); // P
 * ```
 *
 * @param width columns
 * @param height rows
 * @param rgba the pixels, borrowed for the call
 * @param bytesPerRow from one row's start to the next, a multiple of 4
 * @throws {BridgeError} `bad_argument` if `rgba` does not hold the picture
 */
export function encodePng(
  width: number,
  height: number,
  rgba: Uint8Array,
  bytesPerRow: number,
): Uint8Array<ArrayBuffer> {
  const row = width * CHANNELS;
  if (bytesPerRow < row || rgba.length < bytesPerRow * (height - 1) + row) {
    throw new BridgeError(
      "bad_argument",
      `Cannot encode a picture of ${width} x ${height} pixels: it has ${rgba.length} bytes, ${bytesPerRow} for each row`,
    );
  }
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, 6], 8); // bits a channel; RGBA
  const image = deflateSync(filterRows(width, height, rgba, bytesPerRow));
  const parts = [
    Uint8Array.from(SIGNATURE),
    chunk("IHDR", header),
    chunk("IDAT", image),
    chunk("IEND", new Uint8Array(0)),
  ];
  const file = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

/** Length, type, data, and the checksum of the latter two. */
function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  new TextEncoder().encodeInto(type, bytes.subarray(4));
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crc32(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** Filters each row: the filter's number, then the differences to the left or the upper neighbours, whichever are smaller. */
function filterRows(
  width: number,
  height: number,
  rgba: Uint8Array,
  bytesPerRow: number,
): Uint8Array {
  const length = width * CHANNELS;
  const rows = new Uint8Array((length + 1) * height);
  const sub = new Uint8Array(length);
  const up = new Uint8Array(length);
  let above = new Uint8Array(length);
  for (let y = 0; y < height; y++) {
    const row = rgba.subarray(y * bytesPerRow, y * bytesPerRow + length);
    let subCost = 0;
    let upCost = 0;
    for (let i = 0; i < length; i++) {
      sub[i] = row[i]! - (i < CHANNELS ? 0 : row[i - CHANNELS]!);
      up[i] = row[i]! - above[i]!;
      // A difference counts by its size, either way.
      subCost += Math.min(sub[i]!, 256 - sub[i]!);
      upCost += Math.min(up[i]!, 256 - up[i]!);
    }
    const at = y * (length + 1);
    rows[at] = subCost < upCost ? SUB : UP;
    rows.set(subCost < upCost ? sub : up, at + 1);
    above = row as Uint8Array<ArrayBuffer>;
  }
  return rows;
}
