/**
 * Splits bytes into lines of text.
 *
 * @module
 */

const LINE_FEED = 10;
/** The maximum length of a line in bytes, after which a new one begins. It bounds the memory for a file without line feeds. */
const MAX_LINE_BYTES = 1024 * 1024;

/** Splits a stream of bytes. Lines do not contain their line feed or carriage return. */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  #pieces: Uint8Array[] = [];
  #length = 0;

  /** Yields the lines that `bytes` complete. `bytes` is copied. */
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

  /** Returns the last line if it has no line feed. */
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
