/**
 * This process's stderr: where what the client writes goes, and warnings, if
 * the owner does not want them elsewhere.
 *
 * @module
 */

/** What cannot be written, because nobody reads it any more, is lost: that is no failure of the host. */
export function toStderr(chunk: Uint8Array): void {
  try {
    for (let at = 0; at < chunk.length;) {
      at += Deno.stderr.writeSync(chunk.subarray(at));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** A line of this library's own. */
export function warnToStderr(text: string): void {
  toStderr(new TextEncoder().encode(`streamlib: ${text}\n`));
}
