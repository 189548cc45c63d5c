/**
 * Writes to this process's stderr without waiting for it. See `slb_stderr_write`
 * in the header for what happens if it cannot be written.
 *
 * @module
 */

import { Native } from "./native.ts";
import { writeOrLose } from "./output.ts";

/**
 * Queues bytes for stderr. Never waits and never throws. What the reader does not
 * take in time is lost and counted, from 1 MiB on.
 *
 * Without the shim, for instance in a process without permission for ffi, there
 * is no queue: the bytes are written at once.
 */
export function writeStderr(bytes: Uint8Array<ArrayBuffer>): void {
  try {
    using native = Native.open();
    native.checked(native.symbols.slb_stderr_write(bytes, bytes.length));
  } catch {
    writeOrLose(Deno.stderr, bytes);
  }
}
