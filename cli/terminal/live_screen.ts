/**
 * A full-screen display on a terminal that is redrawn when its content changes.
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
 * Uses the alternate screen of a terminal and hides the cursor. Disposing it
 * restores the normal screen and writes the last content there.
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

  /** Draws the lines that `picture` returns. `picture` is called again for each redraw, because the terminal's size may change. */
  draw(picture: () => readonly string[]): void {
    this.#picture = picture;
    this.#redraw();
  }

  /** Shows a message below the content until the next one; "" removes it. */
  say(words: string): void {
    this.#words = escapeControls(words);
    this.#redraw();
  }

  /** Restores the normal screen. */
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
