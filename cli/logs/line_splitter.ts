/**
 * Bytes into lines of text.
 *
 * @module
 */

const LINE_FEED = 10;
/** Bytes of a line, after which another begins: a file of zeros is no line to keep. */
const MAX_LINE_BYTES = 1024 * 1024;

/** Splits what comes in pieces. A line's end, with or without a carriage return, is not part of it. */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  #pieces: Uint8Array[] = [];
  #length = 0;

  /** The lines that `bytes` complete. `bytes` may be written over afterwards. */
  *push(bytes: Uint8Array): Generator<string, void, void> {
    for (let start = 0; start < bytes.length;) {
      const end = bytes.indexOf(LINE_FEED, start);
      const piece = bytes.slice(start, end < 0 ? bytes.length : end);
      this.#pieces.push(piece);
      this.#length += piece.length;
      if (end < 0 && this.#length < MAX_LINE_BYTES) return;
      yield this.#take();
      start = end < 0 ? bytes.length : end + 1;
    }
  }

  /** The line that has no end, if there is one. */
  end(): string[] {
    return this.#length === 0 ? [] : [this.#take()];
  }

  #take(): string {
    const line = new Uint8Array(this.#length);
    let at = 0;
    for (const piece of this.#pieces) {
      line.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [];
    this.#length = 0;
    return this.#decoder.decode(line).replace(/\r$/, "");
  }
}
