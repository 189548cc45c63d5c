/**
 * Text in messages. Keys and names are short, ASCII, and the same in every
 * message: an engine's encoder and decoder cost more than they have to do.
 *
 * @module
 */

const encoder = new TextEncoder();
/** Text is not changed: a leading U+FEFF is kept. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** Throws if the bytes are no UTF-8. The other one is three times as fast. */
const strictDecoder = new TextDecoder("utf-8", {
  ignoreBOM: true,
  fatal: true,
});

/** The longest text that is read and written here, and not by the engine. */
const SHORT = 48;
/** The texts that are remembered; a power of 2. */
const REMEMBERED = 512;

/**
 * Writes text as UTF-8. Returns the number of bytes; undefined if it has a NUL,
 * or is not complete before `end`.
 */
export function writeText(
  text: string,
  bytes: Uint8Array,
  at: number,
  end: number = bytes.length,
): number | undefined {
  const { length } = text;
  if (length > SHORT || at + length > end) {
    return writeLong(text, bytes, at, end);
  }
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0) return undefined;
    if (unit > 0x7f) return writeLong(text, bytes, at, end);
    bytes[at + i] = unit;
  }
  return length;
}

function writeLong(
  text: string,
  bytes: Uint8Array,
  at: number,
  end: number,
): number | undefined {
  if (text.includes("\0")) return undefined;
  const { read, written } = encoder.encodeInto(text, bytes.subarray(at, end));
  return read === text.length ? written : undefined;
}

/** Returns the number of bytes of well-formed text in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit <= 0x7f) continue;
    // Each half of a surrogate pair adds one byte: four for its two units.
    const isHalf = unit >= 0xd800 && unit <= 0xdfff;
    bytes += unit <= 0x7ff || isHalf ? 1 : 2;
  }
  return bytes;
}

/**
 * Reads text, and remembers the short texts that it has read last: what is
 * repeated is not decoded again, and is the same string.
 */
export class TextReader {
  readonly #remembered: string[] = new Array(REMEMBERED).fill("");
  /** The bytes of a short text in shared memory. */
  readonly #copy = new Uint8Array(SHORT);

  /** Returns the text in `length` bytes from `at` on. What is no UTF-8 becomes U+FFFD. */
  read(bytes: Uint8Array, at: number, length: number): string {
    if (length === 0 || length > SHORT) return decode(bytes, at, length);
    let hash = length;
    for (let i = at; i < at + length; i++) hash = nextHash(hash, bytes[i]!);
    const place = placeOf(hash);
    const known = this.#remembered[place]!;
    if (isSame(known, bytes, at, length)) return known;
    return this.#remembered[place] = decode(bytes, at, length);
  }

  /**
   * Returns the text in shared memory, each byte of which is read once. Undefined
   * if it is no UTF-8, or has a NUL.
   */
  readShared(
    bytes: Uint8Array,
    at: number,
    length: number,
  ): string | undefined {
    if (length === 0) return "";
    if (length > SHORT) return decodeStrict(bytes.slice(at, at + length));
    const copy = this.#copy;
    let hash = length;
    let all = 0;
    for (let i = 0; i < length; i++) {
      const byte = bytes[at + i]!;
      copy[i] = byte;
      hash = nextHash(hash, byte);
      all |= byte;
    }
    if (all > 0x7f) return decodeStrict(copy.subarray(0, length));
    const place = placeOf(hash);
    const known = this.#remembered[place]!;
    if (isSame(known, copy, 0, length)) return known;
    const text = decode(copy, 0, length);
    return text.includes("\0") ? undefined : this.#remembered[place] = text;
  }
}

function nextHash(hash: number, byte: number): number {
  return Math.imul(hash, 31) + byte | 0;
}

function placeOf(hash: number): number {
  return (hash ^ hash >>> 15) & REMEMBERED - 1;
}

function decode(bytes: Uint8Array, at: number, length: number): string {
  return decoder.decode(bytes.subarray(at, at + length));
}

function decodeStrict(bytes: Uint8Array): string | undefined {
  try {
    const text = strictDecoder.decode(bytes);
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}

/** Whether a text is these bytes. Never true for one that is not ASCII: its length is another, or a unit is no byte of it. */
function isSame(
  text: string,
  bytes: Uint8Array,
  at: number,
  length: number,
): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) {
    const byte = bytes[at + i]!;
    if (byte > 0x7f || text.charCodeAt(i) !== byte) return false;
  }
  return true;
}
