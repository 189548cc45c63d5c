/**
 * Measures and cuts text in terminal cells.
 *
 * @module
 */

import { unicodeWidth } from "@std/cli/unicode-width";

const ELLIPSIS = "…";

/** The width of `text` in cells. A wide character takes two. */
export function widthOf(text: string): number {
  return unicodeWidth(text);
}

/** `text` in at most `cells` cells. If it is cut, it ends with …. */
export function truncate(text: string, cells: number): string {
  if (widthOf(text) <= cells) return text;
  if (cells < 1) return "";
  return takeCells(text, cells - 1) + ELLIPSIS;
}

/** Wraps `text` into lines of at most `cells` cells, between words. A word that is longer than a line is divided. */
export function wrap(text: string, cells: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (let word of text.split(" ")) {
    if (line !== "" && widthOf(line) + 1 + widthOf(word) <= cells) {
      line += ` ${word}`;
      continue;
    }
    if (line !== "") lines.push(line);
    while (widthOf(word) > cells) {
      const head = takeCells(word, cells) || word.slice(0, 1);
      lines.push(head);
      word = word.slice(head.length);
    }
    line = word;
  }
  return [...lines, line];
}

/** The longest beginning of `text` that fits into `cells` cells. */
function takeCells(text: string, cells: number): string {
  let taken = "";
  let width = 0;
  for (const character of text) {
    width += widthOf(character);
    if (width > cells) break;
    taken += character;
  }
  return taken;
}
