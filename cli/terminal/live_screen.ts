/**
 * A terminal's whole screen, drawn anew as things change.
 *
 * @module
 */

import type { Output } from "./console.ts";
import { wrap } from "../text/text_width.ts";
import { escapeControls } from "../../proto/escape.ts";

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const ERASE_LINE = "\x1b[K";
const ERASE_BELOW = "\x1b[J";

/**
 * The other screen of a terminal, without a cursor. Disposing it gives back
 * what was there before, with the last picture below.
 *
 * ```ts ignore
 * using screen = new LiveScreen(console.out);
 * screen.draw(() => tableLines(columns, rows, console.out));
 * ```
 */
export class LiveScreen implements Disposable {
  readonly #output: Output;
  #picture: () => readonly string[] = () => [];
  #words = "";

  /** @param output a terminal */
  constructor(output: Output) {
    this.#output = output;
    output.write(ENTER);
  }

  /** Draws the lines; called again for the last picture, when the size may be another. */
  draw(picture: () => readonly string[]): void {
    this.#picture = picture;
    this.#redraw();
  }

  /** Words below the picture until there are others; "" for none. */
  say(words: string): void {
    this.#words = escapeControls(words);
    this.#redraw();
  }

  /** Gives the screen back. */
  [Symbol.dispose](): void {
    const lines = this.#picture();
    this.#output.write(LEAVE + lines.map((line) => `${line}\n`).join(""));
  }

  #redraw(): void {
    const { columns, rows } = this.#output;
    const lines = [...this.#picture()];
    const words = this.#words === "" ? [] : wrap(this.#words, columns);
    const room = Math.max(1, rows - 1 - words.length);
    if (lines.length > room) {
      const hidden = lines.length - room + 1;
      lines.splice(room - 1, hidden, `… ${hidden} more lines`);
    }
    this.#output.write(
      HOME +
        [...lines, ...words].map((line) => `${ERASE_LINE}${line}\n`).join("") +
        ERASE_BELOW,
    );
  }
}
