/**
 * The functions of the system's C library by which the package's shim becomes
 * loadable without permission to write a file.
 *
 * None of them is variadic on macOS, where such arguments are passed in another
 * way. On Linux `fcntl` is, and its arguments are passed as any others.
 *
 * @module
 */

/** The C library of Linux, and the functions that `memory_file.ts` calls. */
export const LINUX_C = {
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  readlink: { parameters: ["buffer", "buffer", "usize"], result: "isize" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const;

/** The same for macOS and `temporary_file.ts`. */
export const MACOS_C = {
  confstr: { parameters: ["i32", "buffer", "usize"], result: "usize" },
  mkdir: { parameters: ["buffer", "u16"], result: "i32" },
  chmod: { parameters: ["buffer", "u16"], result: "i32" },
  creat: { parameters: ["buffer", "u16"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
  rename: { parameters: ["buffer", "buffer"], result: "i32" },
  unlink: { parameters: ["buffer"], result: "i32" },
  rmdir: { parameters: ["buffer"], result: "i32" },
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
} as const;

/** The functions of {@link LINUX_C}. */
export type LinuxC = Deno.StaticForeignLibraryInterface<typeof LINUX_C>;
/** The functions of {@link MACOS_C}. */
export type MacC = Deno.StaticForeignLibraryInterface<typeof MACOS_C>;

/** RLIMIT_FSIZE, the same on both systems. */
const FILE_SIZE = 1;

/** A text as C reads it. */
export function cText(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/**
 * Throws if this process may not make a file of so many bytes: a write beyond
 * the limit would end the process by SIGXFSZ.
 */
export function checkFileSizeLimit(
  { getrlimit }: Pick<LinuxC, "getrlimit">,
  bytes: number,
): void {
  const values = new BigUint64Array(2);
  const failed = getrlimit(FILE_SIZE, new Uint8Array(values.buffer)) !== 0;
  const [limit = 0n] = values;
  if (failed || BigInt(bytes) <= limit) return;
  throw new Error(
    `this process may write no file of ${bytes} bytes: its limit is ${limit} ` +
      "bytes (RLIMIT_FSIZE); raise it with `ulimit -f`",
  );
}

/** Writes all of `bytes`. Returns whether that succeeded. */
export function writeAll(
  { write }: Pick<LinuxC, "write">,
  descriptor: number,
  bytes: Uint8Array<ArrayBuffer>,
): boolean {
  for (let at = 0; at < bytes.length;) {
    const rest = bytes.subarray(at);
    const written = Number(write(descriptor, rest, BigInt(rest.length)));
    if (written <= 0) return false;
    at += written;
  }
  return true;
}
