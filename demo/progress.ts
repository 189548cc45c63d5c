/**
 * Prints the demo's progress and its final table.
 *
 * @module
 */

import { writeOrLose } from "../ffi/output.ts";

/** Where progress is written. */
export interface Screen {
  /** Writes text as it is. */
  write(text: string): void;
  /** Whether a written line can be overwritten. */
  readonly terminal: boolean;
  /** Whether to use colours. */
  readonly colour: boolean;
  /** The width in characters. */
  readonly columns: number;
}

/** The state of a progress line. */
export interface DemoProgress {
  /** The number of items done. */
  readonly done: number;
  /** The number of items in all; `undefined` if it is not known. */
  readonly total: number | undefined;
  /** More text, such as "59.9 frames/s". */
  readonly text: string;
}

const REDRAW_MS = 50;
const PLAIN_LINE_MS = 1000;
const BAR_CELLS = 24;
const CYAN = "\x1b[36m";
const DIM = "\x1b[2m";
const RESET = "\x1b[0m";
const ERASE_LINE = "\r\x1b[K";

/** Returns standard error as a screen. Respects `NO_COLOR`. */
export function stderrScreen(): Screen {
  const encoder = new TextEncoder();
  const terminal = Deno.stderr.isTerminal();
  return {
    write: (text) => writeOrLose(Deno.stderr, encoder.encode(text)),
    terminal,
    colour: terminal && !Deno.noColor,
    // A terminal that does not know its size reports 0.
    columns: terminal ? Deno.consoleSize().columns || 80 : 80,
  };
}

/**
 * One line that is redrawn as the work goes on. Where lines cannot be
 * overwritten, a new line is printed from time to time.
 *
 * ```ts
 * import { ProgressLine, stderrScreen } from "./progress.ts";
 *
 * const line = new ProgressLine(stderrScreen(), () => performance.now());
 * for (let done = 0; done <= 300; done++) {
 *   line.update({ done, total: 300, text: "60.0 frames/s" });
 * }
 * line.end();
 * ```
 */
export class ProgressLine {
  readonly #screen: Screen;
  readonly #now: () => number;
  #drawnAt = -Infinity;
  #pending: DemoProgress | null = null;

  /** Writes nothing yet.
   *
   * @param screen where to write
   * @param now returns the time in milliseconds */
  constructor(screen: Screen, now: () => number) {
    this.#screen = screen;
    this.#now = now;
  }

  /** Updates the progress. Draws it if the last drawing is long enough ago. */
  update(progress: DemoProgress): void {
    this.#pending = progress;
    const now = this.#now();
    const pause = this.#screen.terminal ? REDRAW_MS : PLAIN_LINE_MS;
    if (now - this.#drawnAt < pause) return;
    this.#drawnAt = now;
    this.#draw();
  }

  /** Draws the last update and ends the line. */
  end(): void {
    if (this.#pending !== null) this.#draw();
    if (this.#screen.terminal && this.#drawnAt > -Infinity) {
      this.#screen.write("\n");
    }
    this.#drawnAt = -Infinity;
  }

  #draw(): void {
    const { done, total, text } = this.#pending!;
    this.#pending = null;
    const part = total ? Math.min(1, done / total) : 0;
    const percent = `${Math.floor(part * 100)}%`.padStart(4);
    const words = total === undefined
      ? `${done} ${done === 1 ? "frame" : "frames"}  ${text}`
      : `${percent}  ${done}/${total}  ${text}`;
    if (!this.#screen.terminal) {
      this.#screen.write(`${words.trimStart()}\n`);
      return;
    }
    // A line that reaches the last column would wrap, and could not be overwritten.
    const room = this.#screen.columns - 1;
    const cells = total !== undefined && room >= BAR_CELLS + 40 ? BAR_CELLS : 0;
    const full = Math.floor(part * cells);
    const bar = this.#paint(CYAN, "━".repeat(full)) +
      this.#paint(DIM, "─".repeat(cells - full));
    this.#screen.write(ERASE_LINE + bar + words.slice(0, room - cells));
  }

  #paint(colour: string, text: string): string {
    return this.#screen.colour && text !== "" ? colour + text + RESET : text;
  }
}

/**
 * Formats rows of a label and a value in two columns. A value that does not fit
 * continues on the next line, in its column.
 *
 * ```ts
 * import { closingTable } from "./progress.ts";
 *
 * closingTable([["frames in", "300"], ["dropped", "0"]]);
 * // frames in  300
 * // dropped    0
 * ```
 *
 * @param rows labels and values, in order
 * @param columns the width in characters
 * @returns whole lines */
export function closingTable(
  rows: readonly (readonly [label: string, value: string])[],
  columns = 80,
): string {
  const margin = Math.max(0, ...rows.map(([label]) => label.length)) + 2;
  const room = Math.max(20, columns - margin);
  return rows.map(([label, value]) =>
    wrap(value, room).map((line, i) =>
      `${(i === 0 ? label : "").padEnd(margin)}${line}`.trimEnd() + "\n"
    ).join("")
  ).join("");
}

/** Breaks text between words into lines of at most `room` characters; a word that is longer stays whole. */
function wrap(text: string, room: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
