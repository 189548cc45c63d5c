/**
 * Writes to this process's stderr: the client's output and warnings, unless the
 * owner takes them.
 *
 * @module
 */

/** Writes bytes to stderr. Drops them if the pipe is closed: that is no failure of the host. */
export function toStderr(chunk: Uint8Array): void {
  try {
    for (let at = 0; at < chunk.length;) {
      at += Deno.stderr.writeSync(chunk.subarray(at));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** Writes one line to stderr, with this library's name before it. */
export function warnToStderr(text: string): void {
  toStderr(new TextEncoder().encode(`streamlib: ${text}\n`));
}
