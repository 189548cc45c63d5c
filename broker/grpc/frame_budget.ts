/**
 * Counts the HTTP/2 frames of a peer that carry no call: PING, SETTINGS,
 * WINDOW_UPDATE, PRIORITY, CONTINUATION, RST_STREAM, frames of unknown kinds, empty
 * DATA. Each costs work or an answer, and node:http2 reads them as fast as they come.
 *
 * @module
 */

import {
  CONTROL_FRAMES_PER_CALL,
  CONTROL_FRAMES_PER_SEC,
  FRAMES_PER_RESET,
  MAX_CONTROL_FRAMES,
} from "../../proto/limits.ts";

const PREFACE_BYTES = 24;
const HEADER_BYTES = 9;
/** One frame in so many sent bytes may be answered by a WINDOW_UPDATE or a PING. */
const BYTES_PER_CONTROL_FRAME = 1_024;

const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const END_STREAM = 1;

/**
 * The budget of one connection. It starts full, time and calls fill it up, and each
 * frame without a call takes from it. Pure: the caller passes the time.
 */
export class FrameBudget {
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  /** Bytes that are no header: the preface, then each frame's payload. */
  #skip = PREFACE_BYTES;
  #left = MAX_CONTROL_FRAMES;
  #at: number;

  /** @param now in milliseconds */
  constructor(now: number) {
    this.#at = now;
  }

  /** Reads what the peer has sent. Returns whether it is still within the budget. */
  read(chunk: Uint8Array, now: number): boolean {
    this.#fill((now - this.#at) * CONTROL_FRAMES_PER_SEC / 1000);
    this.#at = now;
    for (let at = 0; at < chunk.length;) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        at += skipped;
        continue;
      }
      this.#header[this.#headerBytes++] = chunk[at++]!;
      if (this.#headerBytes === HEADER_BYTES) this.#count();
    }
    return this.#left >= 0;
  }

  /** The peer has read this many bytes, and may answer them. */
  sent(bytes: number): void {
    this.#fill(bytes / BYTES_PER_CONTROL_FRAME);
  }

  #count(): void {
    const [high, middle, low, kind, flags] = this.#header;
    const length = high! << 16 | middle! << 8 | low!;
    this.#headerBytes = 0;
    this.#skip = length;
    if (kind === HEADERS) this.#fill(CONTROL_FRAMES_PER_CALL);
    else if (kind === RST_STREAM) this.#left -= FRAMES_PER_RESET;
    else if (kind !== DATA || (length === 0 && !(flags! & END_STREAM))) {
      this.#left--;
    }
  }

  #fill(frames: number): void {
    this.#left = Math.min(MAX_CONTROL_FRAMES, this.#left + frames);
  }
}
