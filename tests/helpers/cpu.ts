/** Kernel ticks a second, on every Linux that Deno runs on. */
const TICKS_PER_SECOND = 100;

/** Seconds of processor time that a process has used, its threads' together. Linux alone. */
export function cpuSeconds(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The name, in brackets, may hold blanks; the 12th and 13th field behind it are user and system time.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}
