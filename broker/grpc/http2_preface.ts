/**
 * How an HTTP/2 client begins (RFC 9113, 3.4): 24 fixed bytes, then a SETTINGS
 * frame. Looked at before anything is spent on a peer: a session takes about
 * 25 KB, and a peer that says nothing, or speaks HTTP/1, gets none.
 *
 * @module
 */

const MAGIC = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const FRAME_HEADER_BYTES = 9;
/** A frame's type stands after its three bytes of length. */
const TYPE_OFFSET = MAGIC.length + 3;
const SETTINGS = 0x4;

/** The bytes that {@link judgePreface} wants to see. */
export const PREFACE_BYTES: number = MAGIC.length + FRAME_HEADER_BYTES;

/** Whether `bytes`, the first of a connection, can still become or are an HTTP/2 preface. */
export function judgePreface(bytes: Uint8Array): "http2" | "more" | "other" {
  const seen = Math.min(bytes.length, MAGIC.length);
  for (let i = 0; i < seen; i++) {
    if (bytes[i] !== MAGIC[i]) return "other";
  }
  if (bytes.length > TYPE_OFFSET && bytes[TYPE_OFFSET] !== SETTINGS) {
    return "other";
  }
  return bytes.length < PREFACE_BYTES ? "more" : "http2";
}
