/**
 * How far the demo has come, and what came of it, in words for a person.
 *
 * @module
 */

/** Where progress is written. */
export interface Screen {
  /** Writes text as it is. */
  write(text: string): void;
  /** Whether a line that was written can be written over. */
  readonly terminal: boolean;
  /** Whether colours are welcome. */
  readonly colour: boolean;
  /** How many characters fit beside each other. */
  readonly columns: number;
}

/** How far something has come. */
export interface DemoProgress {
  /** How many are done. */
  readonly done: number;
  /** How many there will be; `undefined` for as many as come. */
  readonly total: number | undefined;
  /** Whatever else is of interest now, such as "59.9 frames/s". */
  readonly text: string;
}

const REDRAW_MS = 50;
const PLAIN_LINE_MS = 1000;
const BAR_CELLS = 24;
const CYAN = "\x1b[36m";
const DIM = "\x1b[2m";
const RESET = "\x1b[0m";
const ERASE_LINE = "\r\x1b[K";

/** Standard error, as it is now. `NO_COLOR` is respected. */
export function stderrScreen(): Screen {
  const encoder = new TextEncoder();
  const terminal = Deno.stderr.isTerminal();
  return {
    write: (text) => {
      const bytes = encoder.encode(text);
      for (let at = 0; at < bytes.length;) {
        at += Deno.stderr.writeSync(bytes.subarray(at));
      }
    },
    terminal,
    colour: terminal && !Deno.noColor,
    // A terminal that does not know its size says 0.
    columns: terminal ? Deno.consoleSize().columns || 80 : 80,
  };
}

/**
 * One line that is drawn anew as things go on; where lines cannot be drawn
 * over, a line now and then.
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
   * @param now the time in milliseconds, from any beginning */
  constructor(screen: Screen, now: () => number) {
    this.#screen = screen;
    this.#now = now;
  }

  /** Tells how far things are; drawn if the last drawing is long enough ago. */
  update(progress: DemoProgress): void {
    this.#pending = progress;
    const now = this.#now();
    const pause = this.#screen.terminal ? REDRAW_MS : PLAIN_LINE_MS;
    if (now - this.#drawnAt < pause) return;
    this.#drawnAt = now;
    this.#draw();
  }

  /** Draws what has not been drawn yet, and leaves the line for good. */
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
      ? `${done} frames  ${text}`
      : `${percent}  ${done}/${total}  ${text}`;
    if (!this.#screen.terminal) {
      this.#screen.write(`${words.trimStart()}\n`);
      return;
    }
    // A line that reaches the last column would wrap, and could not be drawn over.
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
 * Rows of a label and a value in two columns, for any output. Values that do
 * not fit go on in the next line, below themselves.
 *
 * ```ts
 * import { closingTable } from "./progress.ts";
 *
 * closingTable([["frames in", "300"], ["dropped", "0"]]);
 * // frames in  300
 * // dropped    0
 * ```
 *
 * @param rows what to show, in this order
 * @param columns how many characters fit beside each other
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
