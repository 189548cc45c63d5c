/**
 * Writes to this process's stderr: the client's output and warnings, unless the
 * owner takes them.
 *
 * @module
 */

import { writeStderr } from "../ffi/stderr.ts";

/** Writes bytes to stderr. Text that stderr does not take is lost: that is no failure of the host, and delays no frame. */
export function toStderr(chunk: Uint8Array): void {
  writeStderr(new Uint8Array(chunk));
}

/** Writes one line to stderr, with this library's name before it. */
export function warnToStderr(text: string): void {
  writeStderr(new TextEncoder().encode(`streamlib: ${text}\n`));
}
