/**
 * The registered runtimes. A runtime chooses its id and name: they help to find it,
 * and grant no rights.
 *
 * Whether a runtime is dead is decided without asking or signalling its process:
 *
 * | registered over | dead when |
 * |---|---|
 * | XPC | its peer connection has ended, as the kernel reports |
 * | gRPC | it has not registered for {@link RUNTIME_STALE_MS}, and all its connections are over |
 *
 * A process id that was sent over gRPC is shown and not used.
 *
 * @module
 */

import { BYTES_PER_CHARACTER, RUNTIME_STALE_MS } from "../../proto/limits.ts";
import type { PeerId } from "./auth.ts";
import type { ProcessIdentity } from "./process.ts";
import { createQuotas, type Quotas } from "./quotas.ts";

/** The registration of a runtime. */
export interface Registration {
  readonly id: string;
  /** A name for people; several runtimes may have the same. */
  readonly name: string;
  readonly apiEndpoint: string;
  readonly logPath: string;
  /** The process id: over XPC from the kernel, over gRPC a claim. */
  readonly pid: number;
  /** The XPC peer that registered it: when the peer ends, the runtime is dead. */
  readonly peer: PeerId | undefined;
  /** The process that registered it, from the kernel: it is charged. */
  readonly process?: ProcessIdentity | undefined;
}

/** A registered runtime. */
export interface RuntimeRecord extends Registration {
  /** Milliseconds since the epoch. */
  readonly registeredAt: number;
  /** Whether its XPC peer has ended. */
  readonly ended: boolean;
}

/** `unknown`: it registered over gRPC less than {@link RUNTIME_STALE_MS} ago, and all its connections are over. */
export type RuntimeStatus = "alive" | "dead" | "unknown";

/**
 * The registered runtimes of one broker.
 *
 * ```ts ignore
 * const runtimes = new Runtimes(() => Date.now());
 * runtimes.register({ id: "r1", name: "camera", apiEndpoint: "", logPath: "", pid: 42, peer: 7 });
 * runtimes.peerLost(7);
 * runtimes.prune(new Set()).map(({ name }) => name); // ["camera"]
 * ```
 */
export class Runtimes {
  readonly #now: () => number;
  readonly #quotas: Quotas;
  /** By id, in the order of registration. */
  readonly #runtimes = new Map<string, RuntimeRecord>();

  /** @param now milliseconds since the epoch
   * @param quotas charged for runtimes and their bytes. Those of `proto/limits.ts` by default */
  constructor(now: () => number, quotas: Quotas = createQuotas()) {
    this.#now = now;
    this.#quotas = quotas;
  }

  /**
   * Registers a runtime. It replaces one with the same id.
   *
   * @returns whose quota is full; `undefined` if it was registered
   */
  register(registration: Registration): string | undefined {
    const { id } = registration;
    const replaced = this.#runtimes.get(id);
    if (replaced) this.#remove(replaced);
    const full = this.#refusal(registration);
    if (full === undefined) {
      this.#add({ ...registration, registeredAt: this.#now(), ended: false });
    } else if (replaced) this.#add(replaced);
    return full && `Cannot register a runtime: ${full}`;
  }

  /** Removes a runtime. Returns whether it was registered. */
  unregister(id: string): boolean {
    const runtime = this.#runtimes.get(id);
    if (runtime) this.#remove(runtime);
    return runtime !== undefined;
  }

  /** Returns the runtime with this id. */
  get(id: string): RuntimeRecord | undefined {
    return this.#runtimes.get(id);
  }

  /** Returns the runtime with this name that registered last. One that has ended is returned only if all have ended. */
  named(name: string): RuntimeRecord | undefined {
    const same = this.list().filter((runtime) => runtime.name === name);
    return same.findLast(({ ended }) => !ended) ?? same.at(-1);
  }

  /** Returns all runtimes, in the order of registration. */
  list(): RuntimeRecord[] {
    return [...this.#runtimes.values()];
  }

  /** Marks the runtimes that `peer` registered as ended. They stay listed until they are pruned. */
  peerLost(peer: PeerId): void {
    for (const runtime of this.#runtimes.values()) {
      if (runtime.peer !== peer) continue;
      this.#runtimes.set(runtime.id, { ...runtime, ended: true });
    }
  }

  /**
   * Returns the status of a runtime, by the table above.
   *
   * @param inUse whether it has a connection that is not over
   */
  status(runtime: RuntimeRecord, inUse: boolean): RuntimeStatus {
    if (runtime.peer !== undefined) return runtime.ended ? "dead" : "alive";
    if (inUse) return "alive";
    const heardSince = this.#now() - RUNTIME_STALE_MS;
    return runtime.registeredAt <= heardSince ? "dead" : "unknown";
  }

  /**
   * Removes the dead runtimes.
   *
   * @param inUse the ids of runtimes with a connection that is not over
   * @returns the removed runtimes
   */
  prune(inUse: ReadonlySet<string>): RuntimeRecord[] {
    const dead = this.list().filter((runtime) =>
      this.status(runtime, inUse.has(runtime.id)) === "dead"
    );
    for (const runtime of dead) this.#remove(runtime);
    return dead;
  }

  /** Why there is no room for a runtime. Ended ones make room first: those of the same process, then those of others. */
  #refusal(registration: Registration): string | undefined {
    const { process } = registration;
    const refusal = (): string | undefined =>
      this.#quotas.runtimes.refusal(process) ??
        this.#quotas.bytes.refusal(process, bytesOf(registration));
    const ended = this.list().filter((runtime) => runtime.ended);
    const isOwn = (runtime: RuntimeRecord): boolean =>
      runtime.process?.key === process?.key;
    const dispensable = [
      ...ended.filter(isOwn),
      ...ended.filter((runtime) => !isOwn(runtime)),
    ];
    let full = refusal();
    for (const runtime of dispensable) {
      if (full === undefined) break;
      this.#remove(runtime);
      full = refusal();
    }
    return full;
  }

  #add(runtime: RuntimeRecord): void {
    this.#runtimes.set(runtime.id, runtime);
    this.#quotas.runtimes.charge(runtime.process);
    this.#quotas.bytes.charge(runtime.process, bytesOf(runtime));
  }

  #remove(runtime: RuntimeRecord): void {
    this.#runtimes.delete(runtime.id);
    this.#quotas.runtimes.discharge(runtime.process);
    this.#quotas.bytes.discharge(runtime.process, bytesOf(runtime));
  }
}

/** The bytes that the texts of a runtime take. */
function bytesOf({ id, name, apiEndpoint, logPath }: Registration): number {
  return BYTES_PER_CHARACTER *
    (id.length + name.length + apiEndpoint.length + logPath.length);
}
