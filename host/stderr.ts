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

/** Writes text to stderr, with this library's name before each line. */
export function warnToStderr(text: string): void {
  const lines = text.split("\n").map((line) => `streamlib: ${line}\n`);
  writeStderr(new TextEncoder().encode(lines.join("")));
}

/** Returns what writes warnings to stderr, with `name` in each line: a program can have many hosts. */
export function warnToStderrAs(name: string): (text: string) => void {
  return (text) =>
    warnToStderr(
      text.split("\n").map((line) => `${name}: ${line}`).join("\n"),
    );
}
