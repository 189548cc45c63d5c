/**
 * Names a resource that the system refuses to this process, so that no other
 * process is blamed for it.
 *
 * @module
 */

/** What the system says when a process, or the machine, has no more of something; and what that is, and what to do. */
const EXHAUSTED: readonly (readonly [says: RegExp, what: string])[] = [
  [
    /too many open files in system|ENFILE|this system has no free descriptor/i,
    "the machine has no free descriptor: see fs.file-max, and end what holds many",
  ],
  [
    /too many open files|EMFILE|this process has no free descriptor/i,
    "this process has no free descriptor: raise its limit (`ulimit -n`), or close what it does not need",
  ],
  [
    /cannot allocate memory|out of memory|ENOMEM/i,
    "this process gets no more memory: see its limit (`ulimit -v`, its control group) and the machine's free memory",
  ],
  [
    /file too large|EFBIG|may write no larger file/i,
    "this process may not make a file or shared memory as large: raise its limit (`ulimit -f`)",
  ],
  [
    /no space left on device|ENOSPC|no memory left for memory files/i,
    "the disk, or the memory for shared files, is full: free some",
  ],
  [
    /resource temporarily unavailable|too many processes and threads|room for a thread|EAGAIN/i,
    "this user may start no more processes or threads: raise the limit (`ulimit -u`), or end some",
  ],
];

/** Returns which resource this process lacks and what to do, if `says`, a text of the system for this process, tells of one. */
export function exhaustion(says: string): string | undefined {
  return EXHAUSTED.find(([pattern]) => pattern.test(says))?.[1];
}

/** As {@link exhaustion}, but `undefined` if the text already says what to do, as those of the shim and c/linux do. */
export function exhaustionAdvice(says: string): string | undefined {
  return /ulimit -|control group|file-max/.test(says)
    ? undefined
    : exhaustion(says);
}
