/**
 * The layout of the memory in which a client says what it does: words of 32 bits,
 * little-endian. The host reads it when the client is silent or has died. It is a
 * hint for people: what the client writes is not trusted.
 *
 * @module
 */

/** The size of the memory, in bytes. The rest is for later versions. */
export const STATUS_BYTES = 4096;

/** The words, by index. */
export const STATUS_WORD = {
  /** What the client does: an index of {@link DOING}, or a call: {@link FIRST_CALL} and its index among those that it declares. */
  doing: 0,
  /** The input port of the frame that was read last: 1 and its index among the host's ports; 0: none. */
  port: 1,
  /** The number of that frame: of those that were sent on its port on this connection, from 1. */
  frame: 2,
} as const;

/** What a client does, by its word: it waits for the host, or a function of the processor runs. */
export const DOING = [
  "waits",
  "settingsChanged",
  "setup",
  "process",
  "start",
  "stop",
  "pause",
  "resume",
  "flush",
] as const;

/** One of {@link DOING}. */
export type Doing = (typeof DOING)[number];

/** The word of the first call. */
export const FIRST_CALL = 256;

/** Returns the word for what a client does. */
export function doingWord(doing: Doing): number {
  return DOING.indexOf(doing);
}
