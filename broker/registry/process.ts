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
