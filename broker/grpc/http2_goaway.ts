/**
 * What a peer gets that is refused before HTTP/2 has begun: an empty SETTINGS frame,
 * and GOAWAY with the reason as its debug data.
 *
 * @module
 */

const SETTINGS = [0, 0, 0, 4, 0, 0, 0, 0, 0];
const GOAWAY = 7;
const ENHANCE_YOUR_CALM = 11;

/** The bytes that refuse a connection because of `reason`. */
export function goAway(reason: string): Uint8Array {
  const text = new TextEncoder().encode(reason);
  const length = 8 + text.length;
  return Uint8Array.from([
    ...SETTINGS,
    ...[length >> 16, length >> 8 & 0xff, length & 0xff],
    ...[GOAWAY, 0, 0, 0, 0, 0],
    ...[0, 0, 0, 0],
    ...[0, 0, 0, ENHANCE_YOUR_CALM],
    ...text,
  ]);
}
