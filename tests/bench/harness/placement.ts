/** On which cores processes run. */

/** The core that the main thread of a process ran on last; `undefined` where the system does not say. */
function coreOf(pid: number): string | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The fields after the name, which is in parentheses and may contain blanks.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[36];
  } catch {
    return undefined;
  }
}

/** Notes where two processes run while they are measured. */
export class PlacementLog {
  readonly #pids: readonly [number, number];
  #looks = 0;
  #apart = 0;

  constructor(...pids: [number, number]) {
    this.#pids = pids;
  }

  /** Looks once. It takes some 30 µs, so do it between two measurements. */
  look(): void {
    const [one, other] = this.#pids.map(coreOf);
    if (one === undefined || other === undefined) return;
    this.#looks++;
    if (one !== other) this.#apart++;
  }

  /** In how many of the looks since the last call the two processes were on different cores. */
  take(): string | undefined {
    const [looks, apart] = [this.#looks, this.#apart];
    this.#looks = this.#apart = 0;
    if (looks === 0) return undefined;
    if (apart === looks) return "on two cores";
    if (apart === 0) return "on one core";
    return "moved between one core and two";
  }
}

/** A round's placement, as an optional property. */
export function placed(text: string | undefined): { placement?: string } {
  return text === undefined ? {} : { placement: text };
}
