/** On what was measured. */

/** The machine, the versions, the extent. */
export type Machine = Readonly<Record<string, string | number>>;

/** What is known of this machine. */
export function machine(extent: string, runs: number): Machine {
  return {
    when: new Date().toISOString(),
    system: `${Deno.build.os} ${Deno.osRelease()}, ${Deno.build.arch}`,
    processor: `${processor()}, ${navigator.hardwareConcurrency} cores`,
    deno: Deno.version.deno,
    v8: Deno.version.v8,
    extent,
    runs,
    load: Deno.loadavg().map((value) => value.toFixed(2)).join(" "),
  };
}

function processor(): string {
  try {
    const text = Deno.readTextFileSync("/proc/cpuinfo");
    return text.match(/^model name\s*:\s*(.*)$/m)?.[1] ?? "unknown";
  } catch {
    return "unknown";
  }
}
