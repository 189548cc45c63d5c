/** Kernel ticks a second, on every Linux that Deno runs on. */
const TICKS_PER_SECOND = 100;

/** What /proc has of a process, from its state on: behind the name, which is in brackets and may hold blanks. Linux alone. */
function statOf(pid: number): string[] {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Seconds of processor time that a process has used, its threads' together. */
export function cpuSeconds(pid: number): number {
  // The 12th and 13th field are user and system time.
  const fields = statOf(pid);
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Whether the main thread of a process waits for something now. */
export function isAsleep(pid: number): boolean {
  return statOf(pid)[0] === "S";
}
