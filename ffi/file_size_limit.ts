/**
 * The limit of a process for the size of a file (`ulimit -f`, RLIMIT_FSIZE). A
 * write past it raises SIGXFSZ, which ends the process, unless somebody listens:
 * then the write fails with EFBIG, "File too large".
 *
 * A listener belongs to the program, so a library sets none: it compares with the
 * limit first. The broker and the client are programs of their own.
 *
 * @module
 */

const listener = (): void => {};

/** From now on such a write throws, in this process. A second call has no effect. */
export function surviveFileSizeLimit(): void {
  Deno.addSignalListener("SIGXFSZ", listener);
}

/** Whether an error is that of a write past the limit. EFBIG is 27 on Linux and macOS. */
export function isPastFileSizeLimit(error: unknown): boolean {
  return error instanceof Error && error.message.includes("(os error 27)");
}
