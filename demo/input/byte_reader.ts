/**
 * Reads exact numbers of bytes from a stream with chunks of any size.
 *
 * @module
 */

/**
 * Reads lines and counted runs of bytes from a byte stream, which it owns.
 *
 * ```ts
 * import { ByteReader } from "./byte_reader.ts";
 *
 * const stream = new Blob(["SIZE 3\nabc"]).stream();
 * await using reader = new ByteReader(stream);
 * const line = await reader.line(80); // "SIZE 3"
 * const body = new Uint8Array(3);
 * const got = await reader.fill(body); // 3
 * ```
 */
export class ByteReader implements AsyncDisposable {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** Takes `stream`, and cancels it when disposed. */
  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** The next line without its `\n`, or null at the end of the stream.
   *
   * Bytes become characters one to one. A line that is longer than `limit`
   * bytes, or in which the stream ends, is returned cut; the caller must check
   * it. */
  async line(limit: number): Promise<string | null> {
    let text = "";
    while (await this.#more()) {
      while (this.#at < this.#chunk.length) {
        const byte = this.#chunk[this.#at++]!;
        if (byte === 0x0a) return text;
        text += String.fromCharCode(byte);
        if (text.length === limit) return text;
      }
    }
    return text === "" ? null : text;
  }

  /** Fills `target`; returns how many bytes came, fewer than its length only at the end of the stream. */
  async fill(target: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < target.length && await this.#more()) {
      const count = Math.min(
        target.length - filled,
        this.#chunk.length - this.#at,
      );
      target.set(this.#chunk.subarray(this.#at, this.#at + count), filled);
      this.#at += count;
      filled += count;
    }
    return filled;
  }

  /** Cancels the stream; errors of the cancelling are ignored. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#reader.cancel().catch(() => {});
  }

  /** Makes sure that the current chunk has unread bytes; false at the end of the stream. */
  async #more(): Promise<boolean> {
    while (this.#at === this.#chunk.length) {
      const { done, value } = await this.#reader.read();
      if (done) return false;
      this.#chunk = value;
      this.#at = 0;
    }
    return true;
  }
}
