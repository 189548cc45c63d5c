/**
 * The limit of a process for the size of a file (`ulimit -f`, RLIMIT_FSIZE). A
 * write past it raises SIGXFSZ, which ends the process, unless somebody listens:
 * then the write fails with EFBIG, "File too large".
 *
 * A listener belongs to the program, so a library sets none for longer than it
 * writes. The broker is a program of its own.
 *
 * @module
 */

const listener = (): void => {};

/** From now on such a write throws, in this process. A second call has no effect. */
export function surviveFileSizeLimit(): void {
  Deno.addSignalListener("SIGXFSZ", listener);
}

/**
 * Calls a function that writes; past the limit it throws.
 *
 * If it throws, the listener stays: the signal may still be on its way to it, and
 * without a listener Deno would end the process for it.
 *
 * @param write must be synchronous
 */
export function withinFileSizeLimit<T>(write: () => T): T {
  surviveFileSizeLimit();
  const result = write();
  Deno.removeSignalListener("SIGXFSZ", listener);
  return result;
}

/** Whether an error is that of a write past the limit. EFBIG is 27 on Linux and macOS. */
export function isPastFileSizeLimit(error: unknown): boolean {
  return error instanceof Error && error.message.includes("(os error 27)");
}
