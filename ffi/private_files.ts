/**
 * Files and directories that are made with the mode that was asked for, whatever
 * the umask.
 *
 * @module
 */

/** The bits of a mode that the owner needs. */
const OWNER = 0o700;
/** The umask while a file is made: nothing for others, everything for the owner. */
const PRIVATE = 0o077;

/**
 * Makes files or directories. With a umask that would take bits from their owner,
 * as 0177 takes the right to enter a directory, no later run could use them: then
 * the umask is 0077 during the call, for the whole process.
 *
 * @param make must be synchronous
 */
export function withPrivateMask<T>(make: () => T): T {
  if ((Deno.umask() & OWNER) === 0) return make();
  const before = Deno.umask(PRIVATE);
  try {
    return make();
  } finally {
    Deno.umask(before);
  }
}
