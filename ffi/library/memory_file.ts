/**
 * The package's shim in a file without a name, in memory (`memfd_create`), which
 * the dynamic loader opens by its descriptor. For Linux.
 *
 * Each process makes its own, when it first needs it. The isolates of a process
 * share one: two files would be two libraries, each with its own state, and a
 * loaded shim is never unloaded. They find it by its name among the descriptors.
 *
 * @module
 */

import {
  checkFileSizeLimit,
  cText,
  type LinuxC,
  writeAll,
} from "./c_library.ts";
import type { Prebuilt } from "./prebuilt/prebuilt.ts";

/** `MFD_CLOEXEC | MFD_ALLOW_SEALING`. */
const FLAGS = 0x3;
/**
 * `MFD_NOEXEC_SEAL`: the file is never run as a program, and that is all that the
 * sysctl `vm.memfd_noexec` may forbid. It may still be mapped as code. Kernels
 * before 6.3 do not know the flag.
 */
const NEVER_A_PROGRAM = 0x8;

const F_DUPFD_CLOEXEC = 1030;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
/** `F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE`. */
const SEALED = 0xf;

/**
 * The number from which on the descriptor is looked for. Lower ones are opened
 * and closed all the time, those from 100 on as channels of children, so that the
 * search would end at a gap.
 */
const FIRST = 200;

/**
 * Returns a path of the shim, which leads to it as long as the process lives.
 * Makes its file if no isolate of this process has made it.
 *
 * Throws Error, which says what the system refuses.
 */
export function memoryFile(prebuilt: Prebuilt, c: LinuxC): string {
  const name = `streamlib_bridge-${prebuilt.sha256}`;
  const descriptor = found(name, c) ?? made(name, prebuilt, c);
  return pathOf(descriptor);
}

function pathOf(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`;
}

/** The lowest descriptor of a whole file with this name. */
function found(name: string, c: LinuxC): number | undefined {
  const wanted = new TextEncoder().encode(`/memfd:${name} (deleted)`);
  const link = new Uint8Array(wanted.length + 1);
  for (let each = FIRST;; each++) {
    const length = Number(
      c.readlink(cText(pathOf(each)), link, BigInt(link.length)),
    );
    if (length < 0) return undefined;
    const same = length === wanted.length &&
      wanted.every((byte, at) => byte === link[at]);
    // Another isolate may be writing one: it is sealed when it is whole.
    if (same && (c.fcntl(each, F_GET_SEALS, 0) & SEALED) === SEALED) {
      return each;
    }
  }
}

function made(name: string, prebuilt: Prebuilt, c: LinuxC): number {
  const bytes = Uint8Array.fromBase64(prebuilt.base64);
  checkFileSizeLimit(c, bytes.length);
  let file = c.memfd_create(cText(name), FLAGS | NEVER_A_PROGRAM);
  if (file < 0) file = c.memfd_create(cText(name), FLAGS);
  if (file < 0) {
    throw new Error(
      "the system gives this process no file in memory (memfd_create): it is " +
        "out of descriptors (`ulimit -n`) or memory, or may not use that call",
    );
  }
  const whole = bytes.length === prebuilt.bytes && writeAll(c, file, bytes) &&
    c.fcntl(file, F_ADD_SEALS, SEALED) === 0;
  if (!whole) {
    c.close(file);
    throw new Error(
      `a file in memory cannot hold its ${prebuilt.bytes} bytes; ` +
        "free some memory, or raise the limit of the control group",
    );
  }
  const kept = c.fcntl(file, F_DUPFD_CLOEXEC, FIRST);
  if (kept < 0) return file; // fewer descriptors than that are allowed
  c.close(file);
  const first = found(name, c) ?? kept;
  if (first !== kept) c.close(kept); // another isolate was faster
  return first;
}
