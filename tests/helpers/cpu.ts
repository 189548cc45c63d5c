/** Kernel ticks per second. It is the same on every Linux that Deno supports. */
const TICKS_PER_SECOND = 100;

/** The fields of `/proc/PID/stat` from the state on. They follow the name, which is in parentheses and may contain blanks. Linux only. */
function statOf(pid: number): string[] {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Seconds of processor time that all threads of a process have used. */
export function cpuSeconds(pid: number): number {
  // Elements 11 and 12 are user and system time.
  const fields = statOf(pid);
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Whether the main thread of a process is sleeping now. */
export function isAsleep(pid: number): boolean {
  return statOf(pid)[0] === "S";
}
