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

import {
  MAX_RUNTIMES,
  MAX_RUNTIMES_PER_PEER,
  RUNTIME_STALE_MS,
} from "../../proto/limits.ts";
import type { PeerId } from "./auth.ts";

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

/** The limits of registered runtimes. */
export interface RuntimeQuotas {
  readonly total: number;
  readonly perPeer: number;
}

const DEFAULT_QUOTAS: RuntimeQuotas = {
  total: MAX_RUNTIMES,
  perPeer: MAX_RUNTIMES_PER_PEER,
};

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
  readonly #quotas: RuntimeQuotas;
  /** By id, in the order of registration. */
  readonly #runtimes = new Map<string, RuntimeRecord>();

  /** @param now milliseconds since the epoch
   * @param quotas the limits */
  constructor(now: () => number, quotas: Partial<RuntimeQuotas> = {}) {
    this.#now = now;
    this.#quotas = { ...DEFAULT_QUOTAS, ...quotas };
  }

  /**
   * Registers a runtime. It replaces one with the same id.
   *
   * @returns which quota is full; `undefined` if it was registered
   */
  register(registration: Registration): string | undefined {
    const { id, peer } = registration;
    const others = this.list().filter((runtime) => runtime.id !== id);
    const { perPeer, total } = this.#quotas;
    if (
      peer !== undefined &&
      others.filter((runtime) => runtime.peer === peer).length >= perPeer
    ) return full("this process", perPeer);
    if (others.length >= total && !this.#makeRoom(others)) {
      return full("the broker", total);
    }
    this.#runtimes.delete(id);
    this.#runtimes.set(id, {
      ...registration,
      registeredAt: this.#now(),
      ended: false,
    });
    return undefined;
  }

  /** Removes a runtime. Returns whether it was registered. */
  unregister(id: string): boolean {
    return this.#runtimes.delete(id);
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
    for (const { id } of dead) this.#runtimes.delete(id);
    return dead;
  }

  /** Removes the ended runtime that registered first. Returns false if there is none. */
  #makeRoom(runtimes: readonly RuntimeRecord[]): boolean {
    const ended = runtimes.find((runtime) => runtime.ended);
    return ended !== undefined && this.#runtimes.delete(ended.id);
  }
}

function full(whose: string, limit: number): string {
  return `Cannot register a runtime: ${whose} has ${limit}, the limit; unregister or prune some first`;
}
