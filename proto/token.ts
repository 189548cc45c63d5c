/**
 * Tokens: the secrets by which a side proves that it may act on a connection.
 *
 * @module
 */

/** Compares two tokens. The time depends only on their lengths. */
export function sameToken(expected: string, given: string): boolean {
  if (expected.length !== given.length) return false;
  let difference = 0;
  for (let i = 0; i < expected.length; i++) {
    difference |= expected.charCodeAt(i) ^ given.charCodeAt(i);
  }
  return difference === 0;
}
