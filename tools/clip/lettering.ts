/**
 * Capital letters and digits of five by seven dots.
 *
 * @module
 */

import type { Canvas, Colour } from "./canvas.ts";

/** Rows from the top; the highest of five bits is the leftmost dot. */
const GLYPHS: Readonly<Record<string, readonly number[]>> = {
  "0": [14, 17, 19, 21, 25, 17, 14],
  "1": [4, 12, 4, 4, 4, 4, 14],
  "2": [14, 17, 1, 6, 8, 16, 31],
  "3": [14, 17, 1, 6, 1, 17, 14],
  "4": [2, 6, 10, 18, 31, 2, 2],
  "5": [31, 16, 30, 1, 1, 17, 14],
  "6": [6, 8, 16, 30, 17, 17, 14],
  "7": [31, 1, 2, 4, 8, 8, 8],
  "8": [14, 17, 17, 14, 17, 17, 14],
  "9": [14, 17, 17, 15, 1, 2, 12],
  A: [14, 17, 17, 31, 17, 17, 17],
  B: [30, 17, 17, 30, 17, 17, 30],
  E: [31, 16, 16, 30, 16, 16, 31],
  I: [14, 4, 4, 4, 4, 4, 14],
  L: [16, 16, 16, 16, 16, 16, 31],
  M: [17, 27, 21, 21, 17, 17, 17],
  R: [30, 17, 17, 30, 20, 18, 17],
  S: [15, 16, 16, 14, 1, 1, 30],
  T: [31, 4, 4, 4, 4, 4, 4],
  " ": [0, 0, 0, 0, 0, 0, 0],
};

/** The width of a letter with the gap after it, in dots. */
const ADVANCE = 6;

/** Writes `text` with its upper left corner at (left, top), in dots of `dot` pixels. Letters without a glyph stay blank. */
export function letter(
  canvas: Canvas,
  text: string,
  left: number,
  top: number,
  dot: number,
  colour: Colour,
): void {
  for (let i = 0; i < text.length; i++) {
    const rows = GLYPHS[text[i]!] ?? [];
    rows.forEach((bits, row) => {
      for (let column = 0; column < 5; column++) {
        if ((bits >> (4 - column) & 1) === 0) continue;
        canvas.rectangle(
          left + (i * ADVANCE + column) * dot,
          top + row * dot,
          dot,
          dot,
          colour,
        );
      }
    });
  }
}
