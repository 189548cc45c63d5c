/** Whether the main thread of a process is sleeping now. Linux only. */
export function isAsleep(pid: number): boolean {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The state follows the name, which is in parentheses and may contain blanks.
  return stat[stat.lastIndexOf(")") + 2] === "S";
}
