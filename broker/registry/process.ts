/**
 * Processes, as the kernel names them. Quotas are charged to them: a process can
 * open as many connections as it likes, and remains one process.
 *
 * @module
 */

/** A process. */
export interface ProcessIdentity {
  /** Names it for good: its id and the time of its start, because an id is used again. */
  readonly key: string;
  /** Its process id. */
  readonly pid: number;
}

/** Tells which process has an id now. */
export type IdentifyProcess = (pid: number) => ProcessIdentity;

/** The identity of the process with this id. `started` is when it has started, in any unit; 0 if that is not known. */
export function processIdentity(
  pid: number,
  started: bigint | number,
): ProcessIdentity {
  return { key: `${pid}@${started}`, pid };
}

/** The processes that are remembered; the longest unheard of goes first. */
const MAX_REMEMBERED = 1_024;

/**
 * Identifies processes by when they have `started`. Without a free descriptor the
 * system does not tell: then a process is the one that last had its id, so that
 * nobody has a quota twice.
 */
export function identifyBy(
  started: (pid: number) => bigint | number,
): IdentifyProcess {
  const known = new Map<number, ProcessIdentity>();
  return (pid) => {
    const since = started(pid);
    const identity = Number(since) === 0
      ? known.get(pid) ?? processIdentity(pid, 0)
      : processIdentity(pid, since);
    known.delete(pid);
    known.set(pid, identity);
    if (known.size > MAX_REMEMBERED) {
      const [oldest] = known.keys();
      known.delete(oldest!);
    }
    return identity;
  };
}
