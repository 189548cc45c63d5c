/**
 * The preface of an HTTP/2 client (RFC 9113, 3.4): 24 fixed bytes, then a SETTINGS
 * frame. It is checked before a session is made, which takes about 25 KB: a peer
 * that sends nothing, or HTTP/1, gets none.
 *
 * @module
 */

const MAGIC = new TextEncoder().encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const FRAME_HEADER_BYTES = 9;
/** The type of a frame follows its three bytes of length. */
const TYPE_OFFSET = MAGIC.length + 3;
const SETTINGS = 0x4;

/** The number of bytes that {@link judgePreface} needs. */
export const PREFACE_BYTES: number = MAGIC.length + FRAME_HEADER_BYTES;

/** Judges the first bytes of a connection: an HTTP/2 preface, its beginning (`more`), or something else. */
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
