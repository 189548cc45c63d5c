/**
 * What a peer gets that is refused before HTTP/2 has begun: GOAWAY with the reason as
 * its debug data. No SETTINGS frame comes before it: a client would take that for a
 * connection that works, and connect again at once, for ever (grpc-js does so without
 * a pause). Without it, its connection has failed, and it waits before the next one.
 *
 * @module
 */

const GOAWAY = 7;
const ENHANCE_YOUR_CALM = 11;

/** The bytes that refuse a connection because of `reason`. */
export function goAway(reason: string): Uint8Array {
  const text = new TextEncoder().encode(reason);
  const length = 8 + text.length;
  return Uint8Array.from([
    ...[length >> 16, length >> 8 & 0xff, length & 0xff],
    ...[GOAWAY, 0, 0, 0, 0, 0],
    ...[0, 0, 0, 0],
    ...[0, 0, 0, ENHANCE_YOUR_CALM],
    ...text,
  ]);
}
