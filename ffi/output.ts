/**
 * Writes the results of a program that has nothing else to do: it waits for a
 * slow reader, as command lines do. A program that carries frames uses
 * {@link ./stderr.ts} instead.
 *
 * @module
 */

/** A stream to write to, such as `Deno.stdout`. */
export interface SyncWriter {
  writeSync(bytes: Uint8Array): number;
}

/** The pause before the next attempt on a pipe that is full and non-blocking, in milliseconds. */
const PAUSE_MS = 5;

/**
 * Writes all bytes. Waits also if another program has made the pipe
 * non-blocking, as Node does with a pipe that it shares. Throws Deno's error if
 * the reader has closed the pipe, or the disk is full.
 */
export function writeFully(stream: SyncWriter, bytes: Uint8Array): void {
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (let at = 0; at < bytes.length;) {
    try {
      at += stream.writeSync(bytes.subarray(at));
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      Atomics.wait(never, 0, 0, PAUSE_MS);
    }
  }
}

/** Writes all bytes, as {@link writeFully} does; what cannot be written is lost. For messages, whose loss is no failure. */
export function writeOrLose(stream: SyncWriter, bytes: Uint8Array): void {
  try {
    writeFully(stream, bytes);
  } catch {
    // A closed pipe or a full disk: there is no other place to report it.
  }
}
