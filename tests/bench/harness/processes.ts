/** What processes use. Linux only. */

/** Nanoseconds that all threads of a process have run. Without the threads that have ended. */
export function cpuNanoseconds(pid: number): number {
  let sum = 0;
  for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
    try {
      const text = Deno.readTextFileSync(`/proc/${pid}/task/${name}/schedstat`);
      sum += Number(text.split(" ")[0]);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // it has ended
    }
  }
  return sum;
}

/** KiB of memory that a process has in RAM. */
export function residentKib(pid: number): number {
  return field(`/proc/${pid}/status`, "VmRSS");
}

/** KiB of memory that a process has in RAM; what it shares with others is divided among them. */
export function proportionalKib(pid: number): number {
  return field(`/proc/${pid}/smaps_rollup`, "Pss");
}

/** KiB of memory that can be used without swapping. */
export function availableKib(): number {
  return field("/proc/meminfo", "MemAvailable");
}

function field(path: string, name: string): number {
  const line = Deno.readTextFileSync(path).split("\n")
    .find((line) => line.startsWith(`${name}:`));
  return Number(line?.match(/\d+/)?.[0]);
}

/** The hard limit of descriptors of this process and of what it starts. */
export function descriptorLimit(): number {
  const line = Deno.readTextFileSync("/proc/self/limits").split("\n")
    .find((line) => line.startsWith("Max open files"));
  const hard = line?.trim().split(/\s{2,}/)[2];
  return hard === "unlimited" ? Infinity : Number(hard);
}
