/**
 * Computes the checksum of a picture.
 *
 * @module
 */

import { crc32 } from "node:zlib";
import type { Surface } from "../../host/mod.ts";

/**
 * Returns the CRC-32 of a picture's planes, row after row. The padding of rows
 * does not count: the checksum does not depend on it.
 *
 * ```ts
 * import { checksum } from "./checksum.ts";
 *
 * const tight = [new Uint8Array([1, 2, 3, 4])];
 * const rows = [new Uint8Array([1, 2]), new Uint8Array([3, 4])];
 * console.assert(checksum([tight]) === checksum([rows]));
 * ```
 *
 * @param planes the rows of each plane; {@link planesOf} a surface
 * @returns 0 to 2³² − 1
 */
export function checksum(planes: Iterable<Iterable<Uint8Array>>): number {
  let sum = 0;
  for (const rows of planes) {
    for (const row of rows) sum = crc32(row, sum);
  }
  return sum;
}

/** The rows of each plane of a surface, without padding. */
export function planesOf(
  surface: Pick<Surface, "planes" | "rows">,
): Iterable<Uint8Array>[] {
  return surface.planes.map((_, plane) => surface.rows(plane));
}
