/**
 * SHA-256 (FIPS 180-4), at once: of schemas, layouts and names.
 *
 * It is written out here because a client needs it before its first message.
 * `node:crypto` takes 28 ms to load, more than Deno's whole start, and Web Crypto
 * answers only later.
 *
 * @module
 */

const BLOCK_BYTES = 64;
/** The bytes of the length, in bits, at the end of the last block. */
const LENGTH_BYTES = 8;

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
// deno-fmt-ignore
const ROUNDS = new Int32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);

/** The first 32 bits of the fractional parts of the square roots of the first 8 primes. */
// deno-fmt-ignore
const START = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
] as const;

/** Returns the SHA-256 of a text in UTF-8, as 64 hexadecimal digits. */
export function sha256(text: string): string {
  const padded = padding(new TextEncoder().encode(text));
  const state = new Uint32Array(START);
  const words = new Int32Array(ROUNDS.length);
  for (let at = 0; at < padded.byteLength; at += BLOCK_BYTES) {
    spread(words, padded, at);
    addBlock(state, words);
  }
  const digits = (word: number): string => word.toString(16).padStart(8, "0");
  return Array.from(state, digits).join("");
}

/** Returns whole blocks: the bytes, a set bit, zeros, and the length in bits. */
function padding(bytes: Uint8Array): DataView {
  const needed = bytes.length + 1 + LENGTH_BYTES;
  const padded = new Uint8Array(
    Math.ceil(needed / BLOCK_BYTES) * BLOCK_BYTES,
  );
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - LENGTH_BYTES, BigInt(bytes.length) * 8n);
  return view;
}

/** Spreads the block at `at` over one word for each round. */
function spread(words: Int32Array, bytes: DataView, at: number): void {
  for (let i = 0; i < 16; i++) words[i] = bytes.getInt32(at + 4 * i);
  for (let i = 16; i < words.length; i++) {
    const a = words[i - 15]!, b = words[i - 2]!;
    const mixedA = turned(a, 7) ^ turned(a, 18) ^ (a >>> 3);
    const mixedB = turned(b, 17) ^ turned(b, 19) ^ (b >>> 10);
    words[i] = words[i - 16]! + mixedA + words[i - 7]! + mixedB;
  }
}

function addBlock(state: Uint32Array, words: Int32Array): void {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let i = 0; i < words.length; i++) {
    const choice = (e & f) ^ (~e & g);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const mixedA = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
    const mixedE = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
    const sum = h + mixedE + choice + ROUNDS[i]! + words[i]!;
    h = g;
    g = f;
    f = e;
    e = (d + sum) | 0;
    d = c;
    c = b;
    b = a;
    a = (sum + mixedA + majority) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => state[i]! += word);
}

/** The word with its bits turned to the right. */
function turned(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}
