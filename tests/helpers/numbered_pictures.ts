/**
 * Pictures whose whole content follows from a number, so that each reader can tell
 * whether it sees the picture that was sent under this number.
 */

import type { Surface } from "../../proto/schema/surface.ts";

/** The 32 bits that all pixels of a picture have. */
function wordOf(number: bigint): number {
  return Math.imul(Number(number) + 1, 0x9e3779b1) >>> 0;
}

function wordsOf({ pixels }: Surface): Uint32Array {
  return new Uint32Array(
    pixels.buffer,
    pixels.byteOffset,
    pixels.byteLength / 4,
  );
}

/** Fills all memory of a picture. */
export function drawNumber(picture: Surface, number: bigint): void {
  wordsOf(picture).fill(wordOf(number));
}

/** Whether a picture is that of `number`; looks at every `step`th pixel. */
export function showsNumber(
  picture: Surface,
  number: bigint,
  step = 1,
): boolean {
  const words = wordsOf(picture);
  const word = wordOf(number);
  for (let i = 0; i < words.length; i += step) {
    if (words[i] !== word) return false;
  }
  return words.length > 0;
}
